import { Notification } from '@jupyterlab/apputils';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState, type JSX } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { CommandIDs } from '../commands';
import type { GpuDevice, GpuStatus } from '../records';
import {
  absent,
  aGpu,
  aHolder,
  anAgent,
  aProcess,
  aStatus,
  IDLE,
  LOST,
  NOTEBOOK,
  reading,
  splitGpu
} from '../testing/gpus';
import { FakePlatform } from '../testing/platform';
import { problem } from '../testing/server';
import { GpuSection } from './GpuSection';
import { GpuStatusItem } from './StatusItem';
import { gpuNames } from './summary';

const BUSY = { processes: [aProcess(42, { holder: NOTEBOOK })] };

let platform: FakePlatform;
let opened: object[];

beforeEach(() => {
  platform = new FakePlatform();
  platform.gpus = [aStatus([aGpu(0, BUSY), aGpu(1, IDLE)])];
  opened = [];
  platform.services.commands.addCommand(CommandIDs.openGpus, { execute: args => void opened.push(args) });
});

afterEach(() => {
  platform.services.gpus.dispose();
  platform.services.events.dispose();
  Notification.manager.dismiss();
  vi.useRealTimers();
});

function Section({ query = '' }: { query?: string }): JSX.Element {
  const [isExpanded, setExpanded] = useState(true);
  const { services } = platform;
  return <GpuSection {...{ services, isExpanded, query }} onExpand={setExpanded} />;
}

const head = (): HTMLElement => screen.getByRole('button', { name: /^GPU/ });
const rows = (): HTMLElement[] => screen.getAllByRole('listitem');

async function show(...devices: GpuDevice[]): Promise<void> {
  await showStatus(aStatus(devices));
}

async function showStatus(...gpus: GpuStatus[]): Promise<void> {
  platform.gpus = gpus;
  render(<Section />);
  await waitFor(() => expect(platform.server.calls('GET gpu/status').length).toBeGreaterThan(0));
  await waitFor(() => expect(document.querySelector('.aiplat-Skeleton')).toBeNull());
}

describe('the sidebar’s section', () => {
  it('shows what each GPU does, and for whom', async () => {
    await show(aGpu(0, BUSY), aGpu(1, IDLE));
    expect(head().textContent).toBe('GPU2 of 2');
    const [first, second] = rows();
    expect(first.textContent).toContain('0H100');
    expect(first.textContent).toContain('87 %61/80 G');
    expect(first.textContent).toContain('train.ipynb');
    expect(first.title).toContain('Held by train.ipynb');
    expect(first.title).toContain('Temperature: 64 °C');
    expect(second.textContent).toContain('0 %2.1/80 G');
  });

  it('is asked for once and follows the stream from then on', async () => {
    await show(aGpu(0));
    await waitFor(() => expect(platform.server.calls('GET events').length).toBe(1));
    act(() => platform.sample(aStatus([aGpu(0, { utilization: reading(12) })], { at: 1_700_000_001 })));
    await waitFor(() => expect(rows()[0].textContent).toContain('12 %'));
    expect(platform.server.calls('GET gpu/status').length).toBe(1);
  });

  it('asks again where a change is told without the status, as by long polls', async () => {
    await show(aGpu(0));
    await waitFor(() => expect(platform.server.calls('GET events').length).toBe(1));
    platform.gpus = [aStatus([aGpu(0, { utilization: reading(5) })])];
    act(() => platform.tell({ topic: 'gpu', kind: 'sampled', uid: 'agent0' }));
    await waitFor(() => expect(rows()[0].textContent).toContain('5 %'));
  });

  it('never shows a zero that nobody measured', async () => {
    await show(aGpu(0, { utilization: absent('not_supported'), memory_used: absent('no_permission') }));
    const [row] = rows();
    expect(row.textContent).not.toContain('0 %');
    expect(row.textContent).toContain('–/80 G');
    expect(screen.getByTitle('This GPU does not tell it.').textContent).toContain('–');
    expect(row.querySelectorAll('.aiplat-Meter[data-known="false"]').length).toBe(2);
  });

  it('says that a GPU is lost, with its fault', async () => {
    await show(aGpu(0), aGpu(1, LOST));
    expect(head().textContent).toBe('GPU1 of 2');
    expect(screen.getByTitle('1 of 2 GPUs answer').dataset.level).toBe('critical');
    const lost = rows()[1];
    expect(lost.textContent).toContain('✕ lost');
    expect(lost.textContent).not.toMatch(/\d %/);
    expect(lost.title).toContain('Restart the machine');
    expect(lost.title).toContain('Xid 79');
  });

  it('takes a GPU that may not be used here for no fault', async () => {
    await show(aGpu(0), aGpu(1, { state: 'closed' }));
    expect(screen.getByTitle('1 of 2 GPUs answer').dataset.level).toBe('normal');
  });

  it('shows the parts of a split GPU, and counts it once', async () => {
    await show(...splitGpu());
    expect(head().textContent).toBe('GPU1 of 1');
    expect(rows().map(row => row.querySelector('.aiplat-Name')?.textContent)).toEqual([
      'A100',
      '3g.40gb',
      '1g.10gb'
    ]);
    expect(rows()[2].textContent).toContain('9.0/10 G');
  });

  it('marks what is hot and what is full by a sign, not by colour alone', async () => {
    await show(aGpu(0, { temperature: reading(87), throttle: ['thermal'] }));
    const [row] = rows();
    expect(row.dataset.level).toBe('critical');
    expect(row.querySelector('.aiplat-GpuMark')?.textContent).toBe('⚠');
    expect(row.textContent).toContain('slowed by heat');
  });

  it.each([
    ['no_gpu', 'no GPU', /no GPU that its driver knows/],
    ['no_driver', 'no driver', /install its driver/],
    ['driver_mismatch', 'driver mismatch', /restart the machine/],
    ['failed', 'restarting', /is started again/],
    ['starting', 'starting', /on its way/]
  ] as const)(
    'says in a word what %s is, what to do, and what the machine does',
    async (state, word, hint) => {
      await showStatus(aStatus([], { state }));
      expect(head().textContent).toBe(`GPU${word}`);
      expect(screen.getByTitle(hint).textContent).toBe(word);
      expect(rows()[0].textContent).toBe('CPU, RAM23 %11/24 G');
    }
  );

  it('says that a stalled driver’s readings are its last', async () => {
    await showStatus(
      aStatus([aGpu(0)], { state: 'driver_stalled', detail: 'nvmlDeviceGetUtilizationRates' })
    );
    expect(head().textContent).toBe('GPUdriver stalled');
    expect(screen.getByTitle(/nvmlDeviceGetUtilizationRates/)).toBeTruthy();
    expect(screen.getByRole('list').dataset.old).toBe('true');
  });

  it('groups the GPUs of several machines, and says which is away', async () => {
    platform.agents = [anAgent('agent0'), anAgent('node7'), anAgent('gone', { is_alive: false })];
    await showStatus(
      aStatus([aGpu(0)]),
      aStatus([aGpu(0, { uuid: 'x', name: 'Tesla T4' })], { agent: 'node7', host: 'node7', is_own: false }),
      aStatus([], { agent: 'gone', host: 'gone', is_own: false, state: 'away' })
    );
    const list = await screen.findByRole('list', { name: 'GPUs of node7' });
    await waitFor(() => expect(list.textContent).toContain('T4'));
    expect(screen.getByText('away').title).toMatch(/No server runs on gone/);
    expect(head().textContent).toBe('GPU2 of 2');
  });

  it('shows a machine once that several accounts share, as the own server sees it', async () => {
    platform.agents = [
      anAgent('bobs', { machine: 'box', username: 'bob' }),
      anAgent('agent0', { machine: 'box' }),
      anAgent('bobs7', { machine: 'node7', username: 'bob', is_alive: false }),
      anAgent('adas7', { machine: 'node7' })
    ];
    await showStatus(
      aStatus([aGpu(0)]),
      aStatus([aGpu(0)], { agent: 'bobs', is_own: false }),
      aStatus([aGpu(0, { uuid: 'x' })], { agent: 'bobs7', host: 'node7', is_own: false, state: 'away' }),
      aStatus([aGpu(0, { uuid: 'x' })], { agent: 'adas7', host: 'node7', is_own: false })
    );
    await screen.findByRole('list', { name: 'GPUs of node7' });
    await waitFor(() => expect(head().textContent).toBe('GPU2 of 2'));
    expect(screen.getAllByRole('list')).toHaveLength(2);
  });

  it('shows eight of many, those in trouble among them, and leads to all', async () => {
    const many = Array.from({ length: 64 }, (_, i) => aGpu(i, i === 40 ? LOST : BUSY));
    await show(...many);
    expect(rows()).toHaveLength(8);
    expect(rows().at(-1)?.textContent).toContain('✕ lost');
    expect(rows()[0].textContent).toContain('train.ipynb');
    await userEvent.click(screen.getByRole('button', { name: 'All 64 GPUs' }));
    expect(opened).toEqual([{ agent: 'agent0' }]);
  });

  it('is walked through and folded by keys', async () => {
    await show(aGpu(0), aGpu(1), aGpu(2));
    rows()[0].focus();
    await userEvent.keyboard('{ArrowDown}{ArrowDown}{ArrowDown}');
    expect(document.activeElement).toBe(rows()[2]);
    await userEvent.keyboard('{Home}{Enter}');
    expect(opened).toEqual([{ agent: 'agent0' }]);
    await userEvent.keyboard('{ArrowLeft}');
    expect(head().getAttribute('aria-expanded')).toBe('false');
    expect(document.activeElement).toBe(head());
    await userEvent.keyboard('{ArrowRight}');
    expect(rows()).toHaveLength(3);
  });

  it('is searched by who holds a GPU', async () => {
    await show(aGpu(0, BUSY));
    const { rerender } = render(<Section query="TRAIN" />);
    await waitFor(() => expect(screen.getAllByRole('region', { name: 'GPU' }).length).toBe(2));
    rerender(<Section query="nothing like it" />);
    expect(screen.getAllByRole('region', { name: 'GPU' }).length).toBe(1);
  });

  it('says why it has nothing to show, and tries again', async () => {
    platform.server.on('GET gpu/status', () => problem(403, { detail: 'Not for you.' }));
    render(<Section />);
    expect((await screen.findByRole('alert')).textContent).toContain('Not for you.');
    platform.server.on('GET gpu/status', () => aStatus([aGpu(0)]));
    await userEvent.click(screen.getByRole('button', { name: 'Retry' }));
    await waitFor(() => expect(rows()[0].textContent).toContain('87 %'));
  });

  it('is not there with a server that knows nothing of GPUs', async () => {
    platform.server.on('GET gpu/status', () => new Response('{}', { status: 404 }));
    render(<Section />);
    await waitFor(() => expect(screen.queryByRole('region', { name: 'GPU' })).toBeNull());
  });

  it('takes names for text', async () => {
    const holder = aHolder({ task: 't', task_name: '<b>bold</b>' });
    await show(aGpu(0, { name: '<img src=x>', processes: [aProcess(1, { holder })] }));
    expect(rows()[0].textContent).toContain('<b>bold</b>');
    expect(rows()[0].querySelector('img, b')).toBeNull();
  });
});

it('UUIDs are called by their numbers, as far as they are known', () => {
  const [first, second] = [aGpu(0, BUSY), aGpu(1, IDLE)];
  const { services } = platform;
  const machines = services.gpus.machines.map(one => ({ ...one, status: aStatus([first, second]) }));
  expect(gpuNames([second.uuid, 'GPU-gone'], machines, services.trans)).toBe('GPU 1, GPU-gone');
});

describe('the status bar’s gauge', () => {
  async function gauge(status: GpuStatus): Promise<HTMLElement> {
    platform.gpus = [status];
    const item = new GpuStatusItem(platform.services);
    document.body.append(item.node);
    MessageLoop.sendMessage(item, Widget.Msg.UpdateRequest);
    await waitFor(() => expect(platform.services.gpus.machines[0].status).not.toBeNull());
    return item.node;
  }

  it('tells mean utilization and all memory, and each GPU on hover', async () => {
    const node = await gauge(aStatus([aGpu(0), aGpu(1, IDLE)]));
    const button = await waitFor(() => within(node).getByRole('button'));
    expect(button.textContent).toBe('GPU 44 % · 63/160 G');
    expect(button.title).toContain('1 H100: 0 % · 2.1/80 G');
    await userEvent.click(button);
    expect(opened).toEqual([{}]);
    node.remove();
  });

  it('warns of a lost GPU, and counts the memory of a split one once', async () => {
    const node = await gauge(aStatus([...splitGpu(), aGpu(1, LOST)]));
    const button = await waitFor(() => within(node).getByRole('button'));
    expect(button.textContent).toBe('⚠ GPU – · 9.0/80 G');
    expect(button.title).toContain('lost');
    node.remove();
  });

  it('is not there without a GPU, and then asks for nothing more', async () => {
    const node = await gauge(aStatus([]));
    expect(node.textContent).toBe('');
    await waitFor(() => expect(platform.services.events.link).toBe('idle'));
    node.remove();
  });
});
