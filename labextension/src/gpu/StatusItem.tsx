/** What the GPUs do, in the status bar. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import { CommandIDs } from '../commands';
import type { GpuDevice } from '../records';
import type { Services } from '../services';
import { memoryText, NONE, percentText, shortName } from './figures';
import { useIsOld, useOwnGpus } from './hooks';
import { deviceLevel, worst } from './level';
import { troubles, whole } from './summary';
import { describeMonitor } from './words';

export class GpuStatusItem extends ReactWidget {
  constructor(private readonly services: Services) {
    super();
    this.addClass('aiplat-GpuItem');
  }

  protected override render(): JSX.Element {
    return <Gauge services={this.services} />;
  }
}

function Gauge({ services }: { services: Services }): JSX.Element | null {
  const { trans, commands, gpus } = services;
  const machine = useOwnGpus(gpus);
  const isOld = useIsOld(machine);
  const { status } = machine;
  if (status === null || status.devices.length === 0) {
    return null;
  }
  const devices = whole(status.devices);
  const said = describeMonitor(status, trans);
  const level = worst(...devices.map(deviceLevel), said === null ? 'normal' : 'warning');
  const hint = [...devices.map(device => line(device, services)), ...(said === null ? [] : [said.hint])];
  return (
    <button
      type="button"
      className="aiplat-StatusItem jp-mod-highlighted"
      data-old={isOld || said !== null}
      title={hint.join('\n')}
      aria-label={[trans.__('GPU'), text(devices), ...(said === null ? [] : [said.word])].join(' ')}
      onClick={() => void commands.execute(CommandIDs.openGpus, {})}
    >
      <span aria-hidden="true">
        {level === 'normal' ? '' : '⚠ '}
        {trans.__('GPU')} {text(devices)}
      </span>
    </button>
  );
}

/** `87 % · 61/80 G`: the mean utilization and the memory of all of them. */
function text(devices: readonly GpuDevice[]): string {
  const busy = known(devices, ({ utilization }) => utilization.value);
  const used = known(devices, ({ memory_used }) => memory_used.value);
  const total = known(devices, ({ memory_total }) => memory_total.value);
  const mean = busy.length === 0 ? NONE : percentText(sum(busy) / busy.length);
  return `${mean} · ${memoryText(totalOf(used), totalOf(total))}`;
}

function known(devices: readonly GpuDevice[], read: (device: GpuDevice) => number | null): number[] {
  return devices
    .filter(device => device.state === 'ok')
    .map(read)
    .filter(value => value !== null);
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

function totalOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : sum(values);
}

function line(device: GpuDevice, { trans }: Services): string {
  const { utilization, memory_used: used, memory_total: total } = device;
  const [trouble] = troubles(device, trans);
  const readings = `${percentText(utilization.value)} · ${memoryText(used.value, total.value)}`;
  return `${device.index} ${shortName(device.name)}: ${trouble ?? readings}`;
}
