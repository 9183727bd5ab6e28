import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState, type JSX } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Linked } from '../chart/linked';
import { zoomTo } from '../chart/zoom';
import { CommandIDs } from '../commands';
import type { GpuStatus } from '../records';
import {
  absent,
  aGpu,
  aHolder,
  anAgent,
  aProcess,
  aStatus,
  HOST,
  IDLE,
  LOST,
  NOTEBOOK,
  reading,
  splitGpu
} from '../testing/gpus';
import { FakePlatform } from '../testing/platform';
import { problem } from '../testing/server';
import { aTaskRow } from '../testing/tasks';
import type { Kernels } from './deeds';
import { GpuPage } from './GpuPage';
import { HistoryModel } from './historyModel';
import { DEFAULT_STATE, restoreState, savedState, type PageState } from './state';

/** Everything is 600 × 220 pixels. */
class OneSize {
  static width = 600;
  constructor(private readonly callback: (entries: { contentRect: DOMRect }[]) => void) {}
  observe(): void {
    this.callback([{ contentRect: new DOMRect(0, 0, OneSize.width, 220) }]);
  }
  disconnect(): void {
    return;
  }
}

const AT = 1_700_000_000;

let platform: FakePlatform;
let history: HistoryModel;
let linked: Linked;
let done: [string, unknown][];

beforeEach(() => {
  const context = new Proxy(
    {},
    { get: (_, name) => (name === 'measureText' ? () => ({ width: 10 }) : () => undefined), set: () => true }
  );
  OneSize.width = 600;
  vi.stubGlobal('ResizeObserver', OneSize);
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(context as unknown as RenderingContext);
  platform = new FakePlatform();
  linked = new Linked();
  history = new HistoryModel(platform.services, linked);
  done = [];
  for (const id of [CommandIDs.openExperiment, CommandIDs.openTask, 'docmanager:open']) {
    platform.services.commands.addCommand(id, { execute: args => void done.push([id, args]) });
  }
});

afterEach(() => {
  vi.useRealTimers();
  history.dispose();
  platform.services.gpus.dispose();
  platform.services.events.dispose();
  Notification.manager.dismiss();
  document.querySelectorAll('.jp-Dialog').forEach(dialog => dialog.remove());
});

/** Lab's lists, with one session. */
const kernels = {
  sessions: {
    refreshRunning: () => Promise.resolve(),
    running: () => [{ id: 'session0', kernel: { id: 'kernel0' } }].values(),
    shutdown: (id: string) => Promise.resolve(void done.push(['session', id]))
  },
  kernels: {
    refreshRunning: () => Promise.resolve(),
    running: () => [{ id: 'console0' }].values(),
    shutdown: (id: string) => Promise.resolve(void done.push(['kernel', id]))
  }
} as unknown as Kernels;

function Page({ saved }: { saved: PageState }): JSX.Element {
  const [state, setState] = useState(saved);
  return (
    <GpuPage
      {...{ history, linked, kernels, state }}
      services={platform.services}
      onState={change => setState({ ...state, ...change })}
    />
  );
}

async function show(gpus: GpuStatus[], saved = DEFAULT_STATE): Promise<void> {
  platform.gpus = gpus;
  render(<Page saved={saved} />);
  await waitFor(() => expect(platform.server.calls('GET gpu/history').length).toBeGreaterThan(0));
}

function asked(index = -1): URLSearchParams {
  return new URLSearchParams(platform.server.calls('GET gpu/history').at(index)?.path.split('?')[1]);
}

/** Press a button of the dialog, which jsdom does not make visible. */
async function answer(button: 'accept' | 'reject'): Promise<void> {
  const found = await waitFor(() => {
    const shown = document.querySelector<HTMLElement>(`.jp-Dialog .jp-mod-${button}`);
    expect(shown).not.toBeNull();
    return shown!;
  });
  fireEvent.click(found);
  await waitFor(() => expect(document.querySelector('.jp-Dialog')).toBeNull());
}

const chart = (title: string): Promise<HTMLElement> =>
  screen.findByRole('img', { name: new RegExp(`^${title};`) });

describe('the cards', () => {
  it('show all readings of a GPU, and why one is missing', async () => {
    await show([aStatus([aGpu(0, { throttle: ['power'], xid: 31 })])]);
    const card = await screen.findByRole('listitem', { name: '0 NVIDIA H100 80GB HBM3' });
    for (const text of ['87 %', '61 / 80 GiB', '64 / 87 °C', '612 / 700 W', '1,980 MHz', 'fault Xid 31']) {
      expect(card.textContent).toContain(text);
    }
    expect(card.textContent).toContain('at its power limit');
    expect(within(card).getByTitle('This GPU does not tell it.').textContent).toContain('–');
  });

  it('show no number for a lost GPU', async () => {
    await show([aStatus([aGpu(3, LOST)])]);
    const card = await screen.findByRole('listitem', { name: '3 NVIDIA H100 80GB HBM3' });
    expect(card.textContent).toContain('✕ lost');
    expect(card.textContent).not.toMatch(/\d (%|W|°C|MHz|GiB)/);
  });

  it('leave out what only the whole of a split GPU tells', async () => {
    await show([aStatus(splitGpu())]);
    const gpu = await screen.findByRole('listitem', { name: '0 NVIDIA A100-SXM4-80GB' });
    const part = screen.getByRole('listitem', { name: '0:0 NVIDIA A100-SXM4-80GB MIG 3g.40gb' });
    expect(gpu.textContent).toContain('split into instances');
    expect(gpu.textContent).toContain('Temperature');
    expect(part.textContent).toContain('free');
    expect(part.textContent).not.toMatch(/Temperature|Power|Speed/);
  });

  it('say why a split GPU tells no utilization, also in place of the chart', async () => {
    await show([aStatus(splitGpu())]);
    const why = 'Not available with MIG.';
    const [gpu] = await screen.findAllByRole('listitem', { name: /^0 NVIDIA/ });
    expect(within(gpu).getByTitle(why).textContent).toContain('–');
    const charts = screen.getByRole('region', { name: 'History' });
    const utilization = within(charts).getByRole('region', { name: 'Utilization, %' });
    await waitFor(() => expect(utilization.textContent).toContain(`No readings in this range.${why}`));
    expect(charts.textContent?.split(why)).toHaveLength(2);
  });

  it('call no GPU free whose driver does not answer', async () => {
    await show([aStatus([aGpu(0, { utilization: absent('timeout') })], { state: 'driver_stalled' })]);
    const card = await screen.findByRole('listitem', { name: /^0 NVIDIA/ });
    expect(card.textContent).not.toMatch(/free|not held back/);
    expect(screen.getByText(/nothing is known of what its GPUs do/)).toBeTruthy();
  });

  it('say of a GPU that may not be used here neither that it is free nor how fast it is', async () => {
    const closed = { state: 'closed', processes_reason: 'no_permission' } as const;
    await show([aStatus([aGpu(0, { ...closed, utilization: absent('no_permission') })])]);
    const card = await screen.findByRole('listitem', { name: /^0 NVIDIA/ });
    expect(card.textContent).not.toMatch(/free|not held back|lost/);
    expect(within(card).getByTitle(/^Reading it takes rights/).textContent).toContain('–');
  });

  it('have traffic read while details are open, and only then', async () => {
    await show([aStatus([aGpu(0)])]);
    const button = await screen.findByRole('button', { name: 'Details of GPU 0' });
    const asked = (): string[] => platform.server.calls('GET gpu/status').map(call => call.path);
    expect(asked().some(path => path.includes('details'))).toBe(false);
    platform.gpus = [
      aStatus([aGpu(0, { pcie_received: reading(2.5e9), pcie_sent: absent('no_permission') })])
    ];
    await userEvent.click(button);
    const card = screen.getByRole('listitem', { name: /^0 NVIDIA/ });
    await waitFor(() => expect(card.textContent).toContain('PCIe received2.5 GB/s'));
    expect(asked().at(-1)).toContain('details=true');
    expect(within(card).getByTitle(/^Reading it takes rights/).textContent).toContain('–');
    act(() => platform.sample(aStatus([aGpu(0, { pcie_received: reading(4e6) })], { at: AT + 1 })));
    await waitFor(() => expect(card.textContent).toContain('PCIe received4 MB/s'));
    const questions = asked().length;
    await userEvent.click(button);
    expect(card.textContent).not.toContain('PCIe');
    expect(asked().length).toBe(questions);
  });

  it('ask for details again and again, and no more once nobody looks', () => {
    vi.useFakeTimers();
    const asked = (): number =>
      platform.server.calls('GET gpu/status').filter(({ path }) => path.endsWith('details=true')).length;
    const watching = [platform.services.gpus.watchDetails(), platform.services.gpus.watchDetails()];
    expect(asked()).toBe(1);
    vi.advanceTimersByTime(10_000);
    expect(asked()).toBe(3);
    watching.forEach(one => one.dispose());
    vi.advanceTimersByTime(60_000);
    expect(asked()).toBe(3);
  });

  it('say that the disk does not answer, and show no number for it', async () => {
    const disk = absent('timeout');
    await show([aStatus([aGpu(0)], { system: { ...HOST, disk_used: disk, disk_total: disk } })]);
    const [fact] = await screen.findAllByTitle('The disk does not answer.');
    expect(fact.textContent).toBe('Disk–The disk does not answer.');
    expect(fact.querySelector('[data-level="critical"]')).toBeNull();
  });

  it('say that memory is shared with the CPU', async () => {
    await show([aStatus([aGpu(0, { is_unified: true })])]);
    expect(await screen.findByText('Memory, shared with the CPU')).toBeTruthy();
  });

  it('give way to what can be done where there is no driver, while the machine is still shown', async () => {
    await show([aStatus([], { state: 'no_driver', detail: 'libnvidia-ml.so.1 is missing' })]);
    expect(await screen.findByText('no driver')).toBeTruthy();
    expect(screen.getByText(/libnvidia-ml.so.1 is missing/)).toBeTruthy();
    expect(screen.getByText('11 / 24 GiB')).toBeTruthy();
    expect(await chart('CPU, %')).toBeTruthy();
    expect(screen.queryByRole('region', { name: 'Utilization, %' })).toBeNull();
  });

  it('explain a failure, and come when asked again', async () => {
    platform.server.on('GET gpu/status', () => problem(500, { code: 'defect', detail: 'Broken.' }));
    render(<Page saved={DEFAULT_STATE} />);
    expect((await screen.findByRole('alert')).textContent).toContain(
      'The GPUs of this machine could not be read.'
    );
    platform.server.on('GET gpu/status', () => aStatus([aGpu(0)]));
    await userEvent.click(screen.getByRole('button', { name: 'Retry' }));
    expect(await screen.findByRole('listitem', { name: /^0 NVIDIA/ })).toBeTruthy();
  });
});

describe('the charts', () => {
  it('ask once for all metrics of the hour before now, and carry on with what is sampled', async () => {
    await show([aStatus([aGpu(0), aGpu(1, IDLE)])]);
    const image = await chart('Utilization, %');
    expect(image.getAttribute('aria-label')).toContain('GPU 0: last 87');
    expect(asked().getAll('metrics')).toEqual([
      ...['utilization', 'memory_used', 'temperature', 'power'],
      ...['cpu', 'host_memory_used']
    ]);
    expect(Number(asked().get('end')) - Number(asked().get('start'))).toBe(3600);
    expect(Number(asked().get('end'))).toBeGreaterThanOrEqual(AT);
    const questions = platform.server.calls('GET gpu/history').length;
    const next = { at: Number(asked().get('end')) + 1 };
    act(() => platform.sample(aStatus([aGpu(0, { utilization: reading(12) }), aGpu(1)], next)));
    await waitFor(() => expect(image.getAttribute('aria-label')).toContain('last 12'));
    expect(platform.server.calls('GET gpu/history').length).toBe(questions);
  });

  it.each([
    [600, '600'],
    [1700, '900'],
    [3840, '1000']
  ])('ask for as many points as can be told apart on a page of %d pixels', async (width, points) => {
    OneSize.width = width;
    await show([aStatus([aGpu(0)])]);
    expect(asked().get('width')).toBe(points);
  });

  it('ask for the detail of what is zoomed, show all of it at once again, and keep the linked x', async () => {
    await show([aStatus([aGpu(0)])]);
    const image = await chart('Power, W');
    fireEvent.keyDown(image, { key: '+' });
    await waitFor(() => {
      const [start, end] = [Number(asked().get('start')), Number(asked().get('end'))];
      expect(end - start).toBeCloseTo(0.7 * 3600, 0);
    });
    const questions = platform.server.calls('GET gpu/history').length;
    fireEvent.keyDown(image, { key: '0' });
    expect(linked.zoom.now).toBeNull();
    await waitFor(() => expect(linked.extent('wall')![1] - linked.extent('wall')![0]).toBe(3600));
    expect(platform.server.calls('GET gpu/history').length).toBe(questions);
  });

  it('reach back as far as is chosen, by mouse or by keys', async () => {
    await show([aStatus([aGpu(0)])]);
    await chart('Temperature, °C');
    const hour = screen.getByRole('radio', { name: '1 hr' });
    hour.focus();
    await userEvent.keyboard('{ArrowRight}');
    expect(screen.getByRole('radio', { name: '6 hr' }).getAttribute('aria-checked')).toBe('true');
    await waitFor(() => expect(Number(asked().get('end')) - Number(asked().get('start'))).toBe(6 * 3600));
    linked.zoom = zoomTo(linked.zoom, { now: [AT - 100, AT - 50] });
    await userEvent.click(screen.getByRole('radio', { name: '30 days' }));
    await waitFor(() => expect(linked.zoom.now).toBeNull());
  });

  it('say why they are empty, and that they are tried again', async () => {
    platform.server.on('GET gpu/history', () => problem(422, { code: 'range', detail: 'Too long.' }));
    await show([aStatus([aGpu(0)])]);
    expect((await screen.findAllByText('Too long.')).length).toBe(6);
  });
});

describe('the processes', () => {
  const holder = aHolder({ task: 't1', task_name: 'finetune' });

  it('name notebook, task and strangers, the largest first', async () => {
    const processes = [
      aProcess(1, { memory: reading(2 ** 30) }),
      aProcess(2, { holder: NOTEBOOK, memory: reading(30 * 2 ** 30) }),
      aProcess(3, { is_foreign: true, name: '', username: '', memory: absent('no_permission') })
    ];
    await show([aStatus([aGpu(0, { processes }), aGpu(1, { lease: holder })])]);
    const table = await screen.findByRole('table', { name: 'Processes' });
    const [, ...rows] = within(table).getAllByRole('row');
    expect(rows.map(row => row.querySelector('.aiplat-GpuFor')?.textContent)).toEqual([
      'train.ipynb',
      'nothing of this platform',
      'outside of this container',
      'finetune'
    ]);
    expect(rows[0].textContent).toContain('30 GiB');
    expect(rows[3].textContent).toContain('reserved by the queue');
    expect(within(rows[1]).queryAllByRole('button')).toEqual([]);
  });

  it('open what they work for', async () => {
    await show([aStatus([aGpu(0, { processes: [aProcess(1, { holder: NOTEBOOK })] })])]);
    await userEvent.click(await screen.findByRole('button', { name: 'Open notebook: train.ipynb' }));
    await userEvent.click(screen.getByRole('button', { name: 'Open experiment: mlp-lr3' }));
    expect(done).toEqual([
      ['docmanager:open', { path: 'work/train.ipynb' }],
      [CommandIDs.openExperiment, { uid: 'mlp' }]
    ]);
  });

  it('shut a kernel down through its session, after a question', async () => {
    await show([aStatus([aGpu(0, { processes: [aProcess(1, { holder: NOTEBOOK })] })])]);
    const button = await screen.findByRole('button', { name: 'Shut down kernel: train.ipynb' });
    await userEvent.click(button);
    expect((await screen.findByText(/The variables of “train.ipynb” are lost/)).textContent).toBeTruthy();
    await answer('reject');
    expect(done).toEqual([]);
    await userEvent.click(button);
    await answer('accept');
    await waitFor(() => expect(done).toEqual([['session', 'session0']]));
  });

  it.each([
    ['console0', [['kernel', 'console0']]],
    ['gone', []]
  ] as const)('shut down the kernel %s only if this server has it', async (kernel, expected) => {
    const process = aProcess(1, { holder: aHolder({ kernel }) });
    await show([aStatus([aGpu(0, { processes: [process] })])]);
    await userEvent.click(await screen.findByRole('button', { name: `Shut down kernel: ${kernel}` }));
    await answer('accept');
    await waitFor(() => expect(Notification.manager.count).toBe(1));
    expect(done).toEqual(expected);
  });

  it('stop a task', async () => {
    platform.server.on('GET tasks/t1', aTaskRow({ uid: 't1' })).on('POST tasks/t1/stop', aTaskRow());
    await show([aStatus([aGpu(0, { processes: [aProcess(1, { holder })] })])]);
    await userEvent.click(await screen.findByRole('button', { name: 'Stop task: finetune' }));
    await waitFor(() => expect(platform.server.calls('POST tasks/t1/stop').length).toBe(1));
  });

  it('say why they are not to be seen', async () => {
    await show([aStatus([aGpu(0, { processes_reason: 'no_permission' })])]);
    expect(
      await screen.findByText(/The processes of GPU 0 are not to be seen. Reading it takes rights/)
    ).toBeTruthy();
  });
});

describe('several machines', () => {
  const other = aStatus([aGpu(0, { uuid: 'x' })], { agent: 'node7', host: 'node7', is_own: false });

  beforeEach(() => {
    platform.agents = [anAgent('agent0', { machine: 'box' }), anAgent('node7')];
  });

  it('stand beside each other, in cards and charts, until one is chosen', async () => {
    await show([aStatus([aGpu(0)]), other]);
    expect(await screen.findByRole('list', { name: 'GPUs of node7' })).toBeTruthy();
    await waitFor(async () => {
      const label = (await chart('Utilization, %')).getAttribute('aria-label');
      expect(label).toContain('node7 · GPU 0');
      expect(label).toContain('box · GPU 0');
    });
    await userEvent.selectOptions(screen.getByRole('combobox', { name: 'Machine' }), 'node7');
    expect(screen.queryByRole('list', { name: 'GPUs of box' })).toBeNull();
    await waitFor(() => expect(asked().get('agent')).toBe('node7'));
  });

  it('offer no actions on what only the other server can do', async () => {
    const holder = { ...NOTEBOOK, experiment: null };
    const away = { ...other, devices: [aGpu(0, { uuid: 'x', processes: [aProcess(1, { holder })] })] };
    await show([aStatus([aGpu(0)]), away]);
    expect(await screen.findByText('train.ipynb', { selector: '.aiplat-GpuFor *' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: /notebook|kernel/ })).toBeNull();
  });
});

describe('what the page remembers', () => {
  it('is found again, and nonsense is not', () => {
    const state: PageState = { agent: 'node7', span: 86_400 };
    expect(restoreState(savedState(state))).toEqual(state);
    expect(restoreState({ agent: 3, span: 77 })).toEqual(DEFAULT_STATE);
    expect(restoreState(null)).toEqual(DEFAULT_STATE);
  });
});
