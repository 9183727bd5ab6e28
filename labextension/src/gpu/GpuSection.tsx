/** The sidebar's section of GPUs: a row for each, of every machine; of a machine without one its CPU and memory. */

import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import { useRef, type JSX, type KeyboardEvent } from 'react';

import { CommandIDs } from '../commands';
import { count } from '../format';
import { locale, type Trans } from '../i18n';
import type { GpuDevice, GpuHost } from '../records';
import type { Services } from '../services';
import { memoryText, percentText, share, shortName, withUnit } from './figures';
import { heardOf, useIsOld, useMachines, useRoving, useShown } from './hooks';
import { deviceLevel, memoryLevel, monitorLevel, type Level } from './level';
import { Figure, Meter } from './Meter';
import type { Machine } from './monitor';
import { deviceLines, hostLines, numberOf, troubles, whole } from './summary';
import { absenceOf, describeMonitor, holders } from './words';

/** More are on the page. */
const MOST_ROWS = 8;
/** With more rows, each takes one line. */
const MOST_TALL = 4;

interface Props {
  readonly services: Services;
  readonly isExpanded: boolean;
  readonly onExpand: (isExpanded: boolean) => void;
  /** What the reader searches for; empty: nothing. */
  readonly query: string;
}

export function GpuSection({ services, isExpanded, onExpand, query }: Props): JSX.Element | null {
  const { trans, gpus } = services;
  const [root, isShown] = useShown();
  const machines = useMachines(gpus, isShown);
  const [own] = machines;
  const shown = query === '' ? machines : machines.filter(machine => isFound(machine, query, trans));
  return (
    <section
      className="aiplat-Gpus"
      aria-label={trans.__('GPU')}
      hidden={own.error?.code === 'missing' || shown.length === 0}
      ref={root}
    >
      <SectionHead {...{ machines, isExpanded, onExpand, trans }} />
      {isExpanded && <Rows machines={shown} services={services} onFold={() => onExpand(false)} />}
    </section>
  );
}

function isFound({ status, host }: Machine, query: string, trans: Trans): boolean {
  const words = (status?.devices ?? []).flatMap(device => [device.name, ...holders(device, trans)]);
  return [host, ...words].some(word => word.toLowerCase().includes(query.toLowerCase()));
}

function SectionHead(props: {
  machines: readonly Machine[];
  isExpanded: boolean;
  onExpand: (isExpanded: boolean) => void;
  trans: Trans;
}): JSX.Element {
  const { machines, isExpanded, onExpand, trans } = props;
  const Caret = (isExpanded ? caretDownIcon : caretRightIcon).react;
  const { word, hint, level } = headOf(machines, useIsOld(machines[0]), trans);
  const onKeyDown = (event: KeyboardEvent): void => {
    const wanted = { ArrowRight: true, ArrowLeft: false }[event.key];
    if (wanted !== undefined && wanted !== isExpanded) {
      event.preventDefault();
      onExpand(wanted);
    }
  };
  return (
    <h3>
      <button
        type="button"
        className="aiplat-GpuHead"
        aria-expanded={isExpanded}
        onClick={() => onExpand(!isExpanded)}
        onKeyDown={onKeyDown}
      >
        <Caret tag="span" className="aiplat-Caret" elementSize="small" />
        <span className="aiplat-Name">{trans.__('GPU')}</span>
        <span className="aiplat-GpuState" data-level={level} title={hint}>
          {word}
        </span>
      </button>
    </h3>
  );
}

interface Standing {
  readonly word: string;
  readonly hint: string;
  readonly level: Level;
}

const FINE: Standing = { word: '', hint: '', level: 'normal' };

/** What keeps a machine from being read now; no word where nothing does. */
function stateOf(machine: Machine, isOld: boolean, trans: Trans): Standing {
  const { status } = machine;
  const said = status === null ? null : describeMonitor(status, trans);
  if (said !== null && status !== null) {
    return { ...said, level: monitorLevel(status.state) };
  }
  return isOld ? { ...FINE, word: trans.__('⚠ stale since %1', shortTime(machine)), level: 'warning' } : FINE;
}

function shortTime(machine: Machine): string {
  return new Date(heardOf(machine) * 1000).toLocaleTimeString(locale(), { timeStyle: 'short' });
}

/** What the section says beside its name: how many GPUs answer of how many, or what the one machine's trouble is. */
function headOf(machines: readonly Machine[], isOld: boolean, trans: Trans): Standing {
  const standing = stateOf(machines[0], isOld, trans);
  if (machines.length === 1 && standing.word !== '') {
    return standing;
  }
  const devices = whole(machines.flatMap(machine => machine.status?.devices ?? []));
  if (devices.length === 0) {
    return FINE;
  }
  const [answering, all] = [devices.filter(({ state }) => state === 'ok').length, devices.length];
  return {
    word: trans.__('%1 of %2', count(answering), count(all)),
    hint: trans.__('%1 of %2 GPUs answer', count(answering), count(all)),
    level: devices.some(({ state }) => state === 'lost') ? 'critical' : 'normal'
  };
}

interface Item {
  readonly key: string;
  readonly machine: Machine;
  /** Null: the row of the machine itself. */
  readonly device: GpuDevice | null;
}

function itemsOf(machine: Machine): Item[] {
  const devices = machine.status?.devices ?? [];
  const rows = devices.length > 0 ? chosen(devices) : [null];
  return rows.map(device => ({ key: `${machine.agent}/${device?.uuid ?? ''}`, machine, device }));
}

/** The GPUs that have a row, in their order: those with something to look at before others. */
function chosen(devices: readonly GpuDevice[]): readonly GpuDevice[] {
  if (devices.length <= MOST_ROWS) {
    return devices;
  }
  const urgency = (device: GpuDevice): number => (deviceLevel(device) === 'normal' ? 1 : 0);
  const first = [...devices].sort((one, other) => urgency(one) - urgency(other)).slice(0, MOST_ROWS);
  return devices.filter(device => first.includes(device));
}

function Rows(props: { machines: readonly Machine[]; services: Services; onFold: () => void }): JSX.Element {
  const { machines, services, onFold } = props;
  const list = useRef<HTMLDivElement>(null);
  const items = machines.map(itemsOf);
  const keys = items.flat().map(item => item.key);
  const [active, setActive] = useRoving(keys);
  const onKeyDown = (event: KeyboardEvent): void => {
    const to = destination(event.key, keys.indexOf(active ?? ''), keys.length);
    if (to !== null) {
      event.preventDefault();
      setActive(keys[to] ?? '');
      list.current?.querySelectorAll<HTMLElement>('.aiplat-GpuRow').item(to).focus();
    } else if (event.key === 'ArrowLeft') {
      onFold();
      list.current?.closest('section')?.querySelector<HTMLElement>('.aiplat-GpuHead')?.focus();
    }
  };
  return (
    <div ref={list} onKeyDown={onKeyDown}>
      {machines.map((machine, at) => (
        <MachineRows
          key={machine.agent}
          machine={machine}
          items={items[at] ?? []}
          isNamed={machines.length > 1 || !machine.isOwn}
          {...{ active, setActive, services }}
        />
      ))}
    </div>
  );
}

/** Where a key moves to from row `at` of `length`; null for keys that do not move. */
function destination(key: string, at: number, length: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return Math.min(length - 1, at + 1);
    case 'ArrowUp':
      return Math.max(0, at - 1);
    case 'Home':
      return 0;
    case 'End':
      return length - 1;
    default:
      return null;
  }
}

interface MachineProps {
  readonly machine: Machine;
  readonly items: readonly Item[];
  /** Whether there are others, so that its name matters. */
  readonly isNamed: boolean;
  readonly active: string | null;
  readonly setActive: (key: string) => void;
  readonly services: Services;
}

function MachineRows(props: MachineProps): JSX.Element {
  const { machine, items, isNamed, active, setActive, services } = props;
  const { trans, commands } = services;
  const isOld = useIsOld(machine);
  const all = machine.status?.devices.length ?? 0;
  const open = (): void => void commands.execute(CommandIDs.openGpus, { agent: machine.agent });
  return (
    <>
      {isNamed && <MachineName {...{ machine, isOld, trans }} />}
      <div
        role="list"
        className="aiplat-GpuRows"
        aria-label={trans.__('GPUs of %1', machine.host)}
        data-old={isOld || machine.status?.state === 'away' || machine.status?.state === 'driver_stalled'}
      >
        {machine.status === null && <Waiting machine={machine} services={services} />}
        {machine.status !== null &&
          items.map(({ key, device }) => (
            <Row
              key={key}
              {...{ machine, device, trans }}
              isTall={all <= MOST_TALL}
              isActive={key === active}
              onFocus={() => setActive(key)}
              onOpen={open}
            />
          ))}
      </div>
      {all > MOST_ROWS && (
        <button type="button" className="aiplat-ChartLink aiplat-GpuMore" onClick={open}>
          {trans.__('All %1 GPUs', count(all))}
        </button>
      )}
    </>
  );
}

function MachineName(props: { machine: Machine; isOld: boolean; trans: Trans }): JSX.Element {
  const { machine, isOld, trans } = props;
  const { host, username } = machine;
  const { word, hint, level } = stateOf(machine, isOld, trans);
  return (
    <div className="aiplat-GpuMachine" title={`${username}@${host}`}>
      <span className="aiplat-Name">{host}</span>
      <span className="aiplat-GpuState" data-level={level} title={hint}>
        {word}
      </span>
    </div>
  );
}

/** The shape of what will come; or why it does not. */
function Waiting({ machine, services }: { machine: Machine; services: Services }): JSX.Element {
  const { trans, gpus } = services;
  if (machine.error === null) {
    return (
      <div role="listitem" className="aiplat-GpuRow" data-tall="true">
        <span className="aiplat-Skeleton" role="img" aria-label={trans.__('loading')} />
      </div>
    );
  }
  const what = machine.error.isUnreachable ? trans.__('The server cannot be reached.') : machine.error.detail;
  return (
    <div role="alert" className="aiplat-GpuRow aiplat-Failure" title={machine.error.hint}>
      <span className="aiplat-Name">✕ {what}</span>
      <button type="button" className="aiplat-TextButton" onClick={() => void gpus.reload(machine)}>
        {trans.__('Retry')}
      </button>
    </div>
  );
}

interface RowProps {
  readonly machine: Machine;
  readonly device: GpuDevice | null;
  /** It has a second line, which says who holds it. */
  readonly isTall: boolean;
  readonly isActive: boolean;
  readonly onFocus: () => void;
  readonly onOpen: () => void;
  readonly trans: Trans;
}

function Row(props: RowProps): JSX.Element | null {
  const { machine, device, isActive, onFocus, onOpen, trans } = props;
  const host = machine.status?.system ?? null;
  if (device === null && host === null) {
    return null;
  }
  const devices = machine.status?.devices ?? [];
  const lines =
    device !== null ? deviceLines(device, devices, trans) : host !== null ? hostLines(host, trans) : [];
  const isTall = props.isTall && device !== null;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onOpen();
    }
  };
  return (
    <div
      role="listitem"
      className="aiplat-GpuRow"
      data-tall={isTall}
      data-level={device === null ? 'normal' : deviceLevel(device)}
      data-part={device?.parent != null}
      tabIndex={isActive ? 0 : -1}
      title={lines.join('\n')}
      aria-label={lines.join(', ')}
      onFocus={onFocus}
      onClick={onOpen}
      onKeyDown={onKeyDown}
    >
      {device !== null ? (
        <DeviceContent {...{ device, devices, isTall, trans }} />
      ) : (
        host !== null && <HostContent host={host} trans={trans} />
      )}
    </div>
  );
}

function DeviceContent(props: {
  device: GpuDevice;
  /** All of its machine. */
  devices: readonly GpuDevice[];
  isTall: boolean;
  trans: Trans;
}): JSX.Element {
  const { device, devices, isTall, trans } = props;
  const { utilization, memory_used: used, memory_total: total } = device;
  const [holder] = holders(device, trans);
  const name = device.parent === null ? shortName(device.name) : shortName(device.name).replace(/^MIG /, '');
  const isLost = device.state === 'lost';
  const level = deviceLevel(device);
  return (
    <>
      <span className="aiplat-GpuIndex">{numberOf(device, devices)}</span>
      <span className="aiplat-Name">{isTall ? name : (holder ?? name)}</span>
      {isLost ? (
        <span className="aiplat-GpuLost">✕ {trans.__('lost')}</span>
      ) : (
        <>
          <span className="aiplat-GpuMark" aria-hidden="true">
            {level === 'normal' ? '' : '⚠'}
          </span>
          <span className="aiplat-GpuBars">
            <Meter share={share(utilization.value, 100)} level={level} />
            <Meter
              share={share(used.value, total.value)}
              level={memoryLevel(used.value, total.value)}
              isThin
            />
          </span>
          <span className="aiplat-GpuShare">
            <Figure
              reading={utilization}
              text={percentText(utilization.value)}
              why={absenceOf(device, utilization, devices, trans)}
              trans={trans}
            />
          </span>
          <span className="aiplat-GpuMemory">{memoryText(used.value, total.value)}</span>
        </>
      )}
      {isTall && <SecondLine device={device} trans={trans} />}
    </>
  );
}

/** Who holds it, how warm it is and what it draws; before all that, what is the matter. */
function SecondLine({ device, trans }: { device: GpuDevice; trans: Trans }): JSX.Element {
  const { temperature, power } = device;
  const [trouble] = troubles(device, trans);
  const who = holders(device, trans).join(', ');
  return (
    <span className="aiplat-GpuSecond">
      <span className="aiplat-Name" data-level={trouble === undefined ? 'normal' : deviceLevel(device)}>
        {trouble ?? who}
      </span>
      {device.state !== 'lost' && device.parent === null && (
        <>
          <span>
            <Figure reading={temperature} text={withUnit(temperature, '°C')} trans={trans} />
          </span>
          <span className="aiplat-GpuPower">
            <Figure reading={power} text={withUnit(power, 'W')} trans={trans} />
          </span>
        </>
      )}
    </span>
  );
}

function HostContent({ host, trans }: { host: GpuHost; trans: Trans }): JSX.Element {
  const { cpu, memory_used: used, memory_total: total } = host;
  return (
    <>
      <span className="aiplat-Name">{trans.__('CPU, RAM')}</span>
      <span className="aiplat-GpuBars">
        <Meter share={share(cpu, 100)} />
        <Meter share={share(used, total)} level={memoryLevel(used, total)} isThin />
      </span>
      <span className="aiplat-GpuShare">{percentText(cpu)}</span>
      <span className="aiplat-GpuMemory">{memoryText(used, total)}</span>
    </>
  );
}
