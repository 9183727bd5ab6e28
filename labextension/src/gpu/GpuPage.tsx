/** The page of GPUs and machines: now, for whom, and in the past. */

import { useEffect, useMemo, type JSX, type ReactNode } from 'react';

import type { Linked } from '../chart/linked';
import { ErrorBoundary, FailureCard } from '../experiment/ErrorBoundary';
import { clockTime, count } from '../format';
import type { Trans } from '../i18n';
import type { GpuHost } from '../records';
import type { Services } from '../services';
import { isStale, Notice, staleText } from '../page/Notice';
import { useSignals } from '../signals';
import { Cards } from './Cards';
import type { Kernels } from './deeds';
import { gibText, percentText, share } from './figures';
import { heardOf, useIsOld, useMachines, useShown } from './hooks';
import { History } from './History';
import type { HistoryModel } from './historyModel';
import { diskLevel, memoryLevel, monitorLevel, type Level } from './level';
import { Absent, Meter } from './Meter';
import type { Machine } from './monitor';
import { Processes } from './Processes';
import type { PageState } from './state';
import { diskText } from './summary';
import { describeMonitor, diskAbsence } from './words';

interface Props {
  readonly services: Services;
  readonly kernels: Kernels;
  readonly history: HistoryModel;
  readonly linked: Linked;
  readonly state: PageState;
  readonly onState: (change: Partial<PageState>) => void;
}

export function GpuPage(props: Props): JSX.Element {
  const { services, kernels, history, linked, state, onState } = props;
  const { trans, gpus, events } = services;
  useSignals(events.linkChanged);
  const [root, isShown] = useShown();
  const machines = useMachines(gpus, isShown);
  useEffect(() => history.setShown(isShown), [history, isShown]);
  const chosen = machines.filter(machine => machine.agent === state.agent);
  const shown = chosen.length > 0 ? chosen : machines;
  const key = shown.map(machine => machine.agent).join(' ');
  const agents = useMemo(() => key.split(' ').filter(Boolean), [key]);
  const devices = shown.flatMap(({ status }) => status?.devices ?? []);
  return (
    <div className="aiplat-Page aiplat-GpuPage" data-link={events.link} ref={root}>
      <Header {...{ machines, trans }} agent={chosen[0]?.agent ?? null} onState={onState} />
      {isStale(events) && (
        <Notice text={staleText(events, trans)} action={trans.__('Retry')} onAct={events.retryNow} />
      )}
      <main>
        {shown.map(machine => (
          <ErrorBoundary key={machine.agent} trans={trans}>
            <MachineNow machine={machine} services={services} />
          </ErrorBoundary>
        ))}
        <ErrorBoundary trans={trans}>
          <History
            {...{ agents, devices, linked, trans }}
            model={history}
            span={state.span}
            onSpan={span => onState({ span })}
          />
        </ErrorBoundary>
        {devices.length > 0 && (
          <ErrorBoundary trans={trans}>
            <Processes machines={shown} services={services} kernels={kernels} />
          </ErrorBoundary>
        )}
      </main>
    </div>
  );
}

function Header(props: {
  machines: readonly Machine[];
  agent: string | null;
  onState: (change: Partial<PageState>) => void;
  trans: Trans;
}): JSX.Element {
  const { machines, agent, onState, trans } = props;
  return (
    <header className="aiplat-PageHeader">
      <div className="aiplat-PageTitle">
        <h1>{trans.__('GPUs')}</h1>
      </div>
      {machines.length > 1 && (
        <select
          className="aiplat-GpuSelect"
          aria-label={trans.__('Machine')}
          value={agent ?? ''}
          onChange={event => onState({ agent: event.target.value === '' ? null : event.target.value })}
        >
          <option value="">{trans.__('All machines (%1)', count(machines.length))}</option>
          {machines.map(machine => (
            <option key={machine.agent} value={machine.agent}>
              {nameOf(machine, machines)}
            </option>
          ))}
        </select>
      )}
    </header>
  );
}

/** Its host, and the account where two share one. */
function nameOf({ host, username, agent }: Machine, machines: readonly Machine[]): string {
  const isShared = machines.some(other => other.host === host && other.agent !== agent);
  return isShared ? `${username}@${host}` : host;
}

/** What one machine does now. */
function MachineNow({ machine, services }: { machine: Machine; services: Services }): JSX.Element {
  const { trans, gpus, events } = services;
  const isOld = useIsOld(machine);
  const { status, error, host } = machine;
  if (status === null) {
    return error === null ? (
      <Waiting trans={trans} />
    ) : (
      <FailureCard
        what={
          error.isUnreachable
            ? trans.__('The server does not answer.')
            : trans.__('The GPUs of %1 could not be read.', host === '' ? trans.__('this machine') : host)
        }
        detail={[error.code, error.detail, error.hint].filter(Boolean).join(' · ')}
        trans={trans}
        onRetry={() => void gpus.reload(machine)}
      />
    );
  }
  const isLast = isOld || status.state === 'away' || status.state === 'driver_stalled';
  return (
    <section className="aiplat-GpuNow" aria-label={host} data-old={isLast}>
      <MachineHead machine={machine} isOld={isOld && !isStale(events)} trans={trans} />
      <Hint machine={machine} trans={trans} />
      {status.devices.length > 0 && (
        <Cards
          devices={status.devices}
          label={trans.__('GPUs of %1', host)}
          monitor={machine.isOwn ? gpus : null}
          trans={trans}
        />
      )}
    </section>
  );
}

function MachineHead(props: { machine: Machine; isOld: boolean; trans: Trans }): JSX.Element {
  const { machine, isOld, trans } = props;
  const { host, username, status } = machine;
  return (
    <div className="aiplat-GpuMachineHead">
      <h2 title={`${username}@${host}`}>{host}</h2>
      {status !== null && status.driver !== '' && (
        <span className="aiplat-GpuRest">{trans.__('driver %1', status.driver)}</span>
      )}
      {status?.system != null && <HostNow host={status.system} trans={trans} />}
      <span className="aiplat-GpuFresh" role="status">
        {isOld ? trans.__('⚠ stale since %1, retrying', clockTime(heardOf(machine))) : ''}
      </span>
    </div>
  );
}

function HostNow({ host, trans }: { host: GpuHost; trans: Trans }): JSX.Element {
  const { cpu, cores, load, memory_used, memory_total, disk_used, disk_total } = host;
  const why = diskAbsence(disk_used.reason, trans);
  const cpuHint = trans.__('%1 cores, load %2', count(cores), load.toFixed(2));
  return (
    <dl className="aiplat-GpuHost">
      <HostFact word={trans.__('CPU')} text={percentText(cpu)} share={share(cpu, 100)} hint={cpuHint} />
      <HostFact
        word={trans.__('Host memory')}
        text={`${gibText(memory_used)} / ${gibText(memory_total)} GiB`}
        share={share(memory_used, memory_total)}
        level={memoryLevel(memory_used, memory_total)}
      />
      <HostFact
        word={trans.__('Disk')}
        text={disk_used.value === null ? <Absent why={why} /> : diskText(host)}
        share={share(disk_used.value, disk_total.value)}
        level={diskLevel(host)}
        hint={disk_used.value === null ? why : trans.__('The disk that holds the platform’s data')}
      />
    </dl>
  );
}

function HostFact(props: {
  word: string;
  text: ReactNode;
  share: number | null;
  level?: Level;
  hint?: string;
}): JSX.Element {
  const { word, text, level = 'normal', hint } = props;
  return (
    <div title={hint}>
      <dt>{word}</dt>
      <dd data-level={level}>
        {level === 'normal' ? '' : '⚠ '}
        {text}
      </dd>
      <Meter share={props.share} level={level} isThin />
    </div>
  );
}

/** Why there is nothing to see, or nothing new, and what can be done. */
function Hint({ machine, trans }: { machine: Machine; trans: Trans }): JSX.Element | null {
  const said = machine.status === null ? null : describeMonitor(machine.status, trans);
  if (said === null || machine.status === null) {
    return null;
  }
  return (
    <div className="aiplat-GpuHint" role="status" data-level={monitorLevel(machine.status.state)}>
      <strong>{said.word}</strong>
      <span>{said.hint}</span>
    </div>
  );
}

/** The shape of a card, after a moment. */
function Waiting({ trans }: { trans: Trans }): JSX.Element {
  return (
    <div className="aiplat-GpuCards" aria-busy="true" role="status" aria-label={trans.__('loading')}>
      <div className="aiplat-GpuCard">
        {[40, 90, 90, 70].map((width, at) => (
          <span key={at} className="aiplat-Skeleton" style={{ width: `${width}%` }} />
        ))}
      </div>
    </div>
  );
}
