/** Who uses the GPUs: processes with their notebooks, experiments and tasks, and what can be done about them. */

import { useState, type JSX } from 'react';

import { CommandIDs } from '../commands';
import { count } from '../format';
import type { Trans } from '../i18n';
import { Heading } from '../page/Heading';
import type { GpuDevice, GpuHolder, GpuProcess } from '../records';
import type { Services } from '../services';
import * as deeds from './deeds';
import type { Kernels } from './deeds';
import { gibText, NONE, shortName } from './figures';
import { Figure } from './Meter';
import type { Machine } from './monitor';
import { numberOf } from './summary';
import { absence, fileName, holderName } from './words';

/** Shown at once. */
const MOST = 100;

interface Props {
  readonly machines: readonly Machine[];
  readonly services: Services;
  readonly kernels: Kernels;
}

interface Entry {
  readonly key: string;
  readonly machine: Machine;
  readonly device: GpuDevice;
  /** Null: a lease alone, where processes are not seen. */
  readonly process: GpuProcess | null;
  readonly holder: GpuHolder | null;
}

export function Processes({ machines, services, kernels }: Props): JSX.Element {
  const { trans } = services;
  const [most, setMost] = useState(MOST);
  const entries = machines.flatMap(entriesOf);
  const devices = machines.flatMap(({ status }) => status?.devices ?? []);
  const isNamed = machines.length > 1;
  return (
    <section className="aiplat-GpuProcesses" aria-label={trans.__('Processes')}>
      <Heading
        title={trans.__('Processes')}
        total={entries.filter(({ process }) => process !== null).length}
      />
      <Blind devices={devices} trans={trans} />
      {entries.length === 0 ? (
        <p className="aiplat-PageNothing">{trans.__('No process uses a GPU.')}</p>
      ) : (
        <table aria-label={trans.__('Processes')}>
          <Heads trans={trans} />
          <tbody>
            {entries.slice(0, most).map(entry => (
              <Row key={entry.key} {...{ entry, isNamed, services, kernels }} />
            ))}
          </tbody>
        </table>
      )}
      {entries.length > most && (
        <button type="button" className="aiplat-ChartLink" onClick={() => setMost(most + MOST)}>
          {trans.__('%1 more', count(entries.length - most))}
        </button>
      )}
    </section>
  );
}

/** Processes, the largest of each GPU first; and leases of GPUs whose processes are not to be seen. */
function entriesOf(machine: Machine): Entry[] {
  return (machine.status?.devices ?? []).flatMap((device): Entry[] => {
    const bySize = [...device.processes].sort(
      (one, other) => (other.memory.value ?? 0) - (one.memory.value ?? 0)
    );
    const key = `${machine.agent}/${device.uuid}`;
    const isTold = device.lease === null || bySize.some(({ holder }) => holder?.task === device.lease?.task);
    const lease: Entry[] = isTold
      ? []
      : [{ key: `${key}/lease`, machine, device, process: null, holder: device.lease }];
    return [
      ...bySize.map(process => ({
        key: `${key}/${process.pid}`,
        machine,
        device,
        process,
        holder: process.holder
      })),
      ...lease
    ];
  });
}

/** Says why processes are not seen, where that is so. */
function Blind({ devices, trans }: { devices: readonly GpuDevice[]; trans: Trans }): JSX.Element | null {
  const blind = devices.filter(device => device.processes_reason !== '' && device.state !== 'lost');
  const [first] = blind;
  if (first === undefined) {
    return null;
  }
  const which = blind.map(device => numberOf(device, devices)).join(', ');
  return (
    <p className="aiplat-PageNothing">
      {trans.__('The processes of GPU %1 are not to be seen.', which)}{' '}
      {absence(first.processes_reason, trans)} {trans.__('What tasks have reserved is shown nevertheless.')}
    </p>
  );
}

function Heads({ trans }: { trans: Trans }): JSX.Element {
  return (
    <thead>
      <tr>
        <th scope="col">{trans.__('GPU')}</th>
        <th scope="col">{trans.__('For')}</th>
        <th scope="col">{trans.__('Process')}</th>
        <th scope="col" data-number="true">
          {trans.__('Memory')}
        </th>
        <th scope="col">
          <span className="aiplat-Hidden">{trans.__('Actions')}</span>
        </th>
      </tr>
    </thead>
  );
}

interface RowProps {
  readonly entry: Entry;
  readonly isNamed: boolean;
  readonly services: Services;
  readonly kernels: Kernels;
}

function Row({ entry, isNamed, services, kernels }: RowProps): JSX.Element {
  const { trans } = services;
  const { machine, device, process, holder } = entry;
  return (
    <tr>
      <td className="aiplat-GpuCell" title={device.name}>
        {isNamed ? `${machine.host} · ` : ''}
        {numberOf(device, machine.status?.devices ?? [])}{' '}
        {device.parent === null ? '' : shortName(device.name)}
      </td>
      <td className="aiplat-GpuFor">
        <For process={process} holder={holder} trans={trans} />
      </td>
      <td className="aiplat-GpuProcess" title={process?.name ?? ''}>
        {process === null ? (
          trans.__('reserved by the queue')
        ) : (
          <>
            {process.name === '' ? NONE : fileName(process.name)}{' '}
            <span className="aiplat-GpuRest">
              {process.pid} {process.username}
            </span>
          </>
        )}
      </td>
      <td data-number="true">
        {process !== null && (
          <Figure reading={process.memory} text={`${gibText(process.memory.value ?? 0)} GiB`} trans={trans} />
        )}
      </td>
      <td className="aiplat-GpuActions">
        {holder !== null && <Actions {...{ holder, machine, services, kernels }} />}
      </td>
    </tr>
  );
}

/** Whom it works for. */
function For(props: { process: GpuProcess | null; holder: GpuHolder | null; trans: Trans }): JSX.Element {
  const { process, holder, trans } = props;
  if (holder !== null) {
    const parts = [holder.task_name, holder.notebook, holder.experiment_name];
    const told = parts.filter(part => part !== null && part !== '');
    return <span title={told.join('\n')}>{holderName(holder, trans)}</span>;
  }
  if (process?.is_foreign === true) {
    const why = trans.__('Its number is that of the host; from here nothing else is known of it.');
    return (
      <span className="aiplat-GpuRest" title={why}>
        {trans.__('outside of this container')}
      </span>
    );
  }
  return <span className="aiplat-GpuRest">{trans.__('nothing of this platform')}</span>;
}

function Actions(props: {
  holder: GpuHolder;
  machine: Machine;
  services: Services;
  kernels: Kernels;
}): JSX.Element | null {
  const { holder, machine, services, kernels } = props;
  const { trans, commands } = services;
  const { notebook, kernel, task, experiment } = holder;
  if (holder.is_hidden) {
    return null;
  }
  return (
    <>
      {notebook !== null && machine.isOwn && (
        <Button
          label={trans.__('Open notebook')}
          of={fileName(notebook)}
          onClick={() => void commands.execute('docmanager:open', { path: notebook })}
        />
      )}
      {experiment !== null && (
        <Button
          label={trans.__('Open experiment')}
          of={holder.experiment_name ?? experiment}
          onClick={() => void commands.execute(CommandIDs.openExperiment, { uid: experiment })}
        />
      )}
      {task !== null && (
        <Button
          label={trans.__('Open task')}
          of={holder.task_name ?? task}
          onClick={() => void commands.execute(CommandIDs.openTask, { uid: task })}
        />
      )}
      {kernel !== null && machine.isOwn && (
        <Button
          label={trans.__('Shut down kernel')}
          of={notebook === null ? kernel : fileName(notebook)}
          onClick={() => void deeds.shutDownKernel(services, kernels, kernel, notebook)}
        />
      )}
      {task !== null && kernel === null && (
        <Button
          label={trans.__('Stop task')}
          of={holder.task_name ?? task}
          onClick={() => void deeds.stopTask(services, task)}
        />
      )}
    </>
  );
}

/** `of`: which one, for those who hear a list of buttons. */
function Button(props: { label: string; of: string; onClick: () => void }): JSX.Element {
  const { label, of, onClick } = props;
  return (
    <button
      type="button"
      className="aiplat-TextButton"
      aria-label={`${label}: ${of}`}
      title={of}
      onClick={onClick}
    >
      {label}
    </button>
  );
}
