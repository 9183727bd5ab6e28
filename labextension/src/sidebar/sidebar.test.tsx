import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { CommandIDs } from '../commands';
import { addSidebarCommands } from '../sidebarCommands';
import { anAlert, aTarget } from '../testing/alerts';
import { FakePlatform } from '../testing/platform';
import { experiment, project } from '../testing/records';
import { problem } from '../testing/server';
import { aTaskRow } from '../testing/tasks';
import { Sidebar } from './sidebar';
import { SidebarView } from './SidebarView';

const HOSTILE = '<img src=x onerror="alert(1)"><b>bold</b>';

let platform: FakePlatform;
let sidebar: Sidebar;
let opened: object[];

beforeEach(() => {
  platform = new FakePlatform();
  platform.projects = [project('digits', { experiments: { running: 1, finished: 2 } }), project('llama')];
  platform.experiments = [
    experiment('mlp', { status: 'running', ended_at: null }),
    experiment('cnn'),
    experiment('svm', { status: 'failed', cause: 'ValueError: bad' })
  ];
  sidebar = new Sidebar(platform.services);
  opened = [];
  addSidebarCommands(platform.services.commands, sidebar);
  platform.services.commands.addCommand(CommandIDs.openExperiment, {
    execute: args => void opened.push(args)
  });
});

afterEach(() => {
  sidebar.dispose();
  platform.services.events.dispose();
  Notification.manager.dismiss();
});

async function show(): Promise<void> {
  render(<SidebarView sidebar={sidebar} />);
  await act(() => sidebar.model.start());
}

function row(name: string): HTMLElement {
  return screen
    .getAllByRole('treeitem')
    .find(item => item.querySelector('.aiplat-Name')?.textContent === name)!;
}

function rowsOf(level: number): HTMLElement[] {
  return screen.queryAllByRole('treeitem').filter(item => item.getAttribute('aria-level') === String(level));
}

function names(level: number): (string | null | undefined)[] {
  return rowsOf(level).map(item => item.querySelector('.aiplat-Name')?.textContent);
}

async function expand(name: string): Promise<void> {
  await userEvent.click(row(name));
  await waitFor(() => expect(names(3).length).toBeGreaterThan(1));
}

async function press(keys: string): Promise<void> {
  await userEvent.keyboard(keys);
}

describe('first contact', () => {
  it('explains a missing server part, and tries again on demand', async () => {
    platform.server.on('GET server', new Response('', { status: 404 }));
    render(<SidebarView sidebar={sidebar} />);
    const starting = sidebar.model.start();
    expect(await screen.findByText(/server part of aiplat is missing or disabled/)).toBeTruthy();
    expect(screen.getByText(/jupyter server extension enable aiplat_jupyter/)).toBeTruthy();
    platform.server.on('GET server', { api: 1, version: '1' });
    await userEvent.click(screen.getByRole('button', { name: 'Retry' }));
    await starting;
    expect(await screen.findByRole('tree')).toBeTruthy();
  });

  it('shows what a server part that did not start says, with its hint', async () => {
    platform.server.on('GET server', () =>
      problem(503, { detail: 'The disk is full.', hint: 'Free some space.' })
    );
    render(<SidebarView sidebar={sidebar} />);
    void sidebar.model.start();
    expect(await screen.findByText('The disk is full.')).toBeTruthy();
    expect(screen.getByText('Free some space.')).toBeTruthy();
  });

  it('warns about another version and goes on', async () => {
    platform.server.on('GET server', { api: 2, version: '9.0' });
    await show();
    expect(screen.getByText(/The server part \(9.0\) speaks API 2, this page 1/)).toBeTruthy();
    expect(row('digits')).toBeTruthy();
  });
});

describe('what is shown', () => {
  it('says what to do on an empty platform', async () => {
    platform.projects = [];
    platform.experiments = [];
    await show();
    expect(screen.getByText('Log your first run')).toBeTruthy();
    expect(screen.getByLabelText('First run in Python').textContent).toContain('aiplat.init(');
    expect(screen.getByRole('button', { name: 'Open quickstart' })).toBeTruthy();
  });

  it('shows state in words, the last value, and a curve in the own colour', async () => {
    await show();
    await expand('digits');
    expect(screen.getByRole('img', { name: 'failed: ValueError: bad' })).toBeTruthy();
    const cnn = row('cnn');
    expect(within(cnn).getByText('0.03142')).toBeTruthy();
    await waitFor(() =>
      expect(cnn.querySelector('.aiplat-Sparkline path')?.getAttribute('d')).toMatch(/^M.*L.*L/)
    );
    expect(platform.server.calls('GET metrics/query').length).toBeLessThanOrEqual(2);
  });

  it('shows NaN as the last value when that is what was logged', async () => {
    const headline = { ...experiment('x').headline!, last: null };
    platform.experiments = [experiment('mlp', { status: 'running', headline })];
    await show();
    expect(within(row('mlp digits')).getByText('NaN')).toBeTruthy();
  });

  it('shows hostile names as text', async () => {
    platform.projects = [project('digits', { name: HOSTILE, description: HOSTILE })];
    platform.experiments = [experiment('one', { status: 'running', name: HOSTILE, tags: [HOSTILE] })];
    platform.tasks = [aTaskRow({ name: HOSTILE, state: 'queued', reason: 'after', detail: HOSTILE })];
    await show();
    expect(names(2)).toEqual([`${HOSTILE} digits`, HOSTILE, undefined, HOSTILE]);
    expect(document.querySelector('.aiplat-SidebarView img, .aiplat-SidebarView b')).toBeNull();
  });

  it('keeps the other sections when one fails, and fetches that one again on demand', async () => {
    platform.server.on('GET projects', () => problem(500, { detail: 'A lock is held.' }));
    await show();
    expect(row('mlp digits')).toBeTruthy();
    expect(screen.getByRole('alert').textContent).toContain('A lock is held.');
    platform.server.on('GET projects', { items: [project('digits')], total: 1 });
    await userEvent.click(screen.getByRole('button', { name: 'Retry' }));
    await waitFor(() => expect(row('digits')).toBeTruthy());
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('fetches further pages when asked for more', async () => {
    const many = Array.from({ length: 70 }, (_, at) => project(`p${at}`));
    platform.server.on('GET projects', asked =>
      asked.path.includes('cursor=next')
        ? { items: many.slice(50) }
        : { items: many.slice(0, 50), next_cursor: 'next', total: 70 }
    );
    await show();
    await userEvent.click(screen.getByText('Show more (20 left)'));
    await waitFor(() => expect(screen.queryByText(/Show more|Loading/)).toBeNull());
    expect(sidebar.model.projects.items.length).toBe(70);
  });
});

describe('live', () => {
  it('fetches only the curve when points arrive', async () => {
    await show();
    await waitFor(() => expect(document.querySelector('.aiplat-Sparkline')).toBeTruthy());
    await new Promise(resolve => setTimeout(resolve, 1200));
    const lists = platform.server.calls('GET experiments').length;
    const curves = platform.server.calls('GET metrics/query').length;
    act(() => platform.tell({ kind: 'points', uid: 'mlp', project: 'digits' }));
    await waitFor(() => expect(platform.server.calls('GET metrics/query').length).toBe(curves + 1));
    expect(platform.server.calls('GET experiments').length).toBe(lists);
  });

  it('says when an experiment ends, and takes it out of what runs', async () => {
    await show();
    await expand('digits');
    platform.experiments[0] = experiment('mlp', { status: 'finished' });
    act(() => platform.tell({ kind: 'status', uid: 'mlp', project: 'digits' }));
    await waitFor(() => expect(screen.getByText('mlp: finished')).toBeTruthy());
    await waitFor(() => expect(screen.getByText('Nothing is running')).toBeTruthy());
  });

  it('is marked stale when the connection is lost, with the last data', async () => {
    vi.spyOn(console, 'debug').mockImplementation(() => undefined);
    await show();
    await waitFor(() => expect(platform.services.events.link).toBe('connected'));
    platform.server.isDown = true;
    act(() => platform.services.events.setPolling(true));
    expect(await screen.findByText(/stale since/)).toBeTruthy();
    expect(row('digits')).toBeTruthy();
  });
});

describe('by keyboard', () => {
  it('walks, opens and closes', async () => {
    await show();
    act(() => row('Running').focus());
    act(() => sidebar.selection.set(sidebar.rows()[0]));
    await press('{ArrowDown}{ArrowDown}{ArrowDown}{ArrowDown}{ArrowDown}{ArrowDown}{ArrowDown}');
    expect(document.activeElement).toBe(row('digits'));
    await press('{ArrowRight}');
    await waitFor(() => expect(names(3)).toEqual(['mlp', 'cnn', 'svm']));
    expect(row('digits').getAttribute('aria-expanded')).toBe('true');
    await press('{ArrowRight}{ArrowDown}{Enter}');
    expect(opened).toEqual([{ uid: 'cnn', preview: false }]);
    await press('{ArrowLeft}');
    expect(document.activeElement).toBe(row('digits'));
    await press('{ArrowLeft}');
    expect(names(3)).toEqual([]);
    await press('{Home}');
    expect(document.activeElement).toBe(row('Running'));
    await press('{End}');
    expect(document.activeElement).toBe(row('Trash'));
  });

  it('renames in place', async () => {
    platform.server.on('PATCH experiments/cnn', asked => {
      platform.experiments[1] = experiment('cnn', asked.body as object);
      return platform.experiments[1];
    });
    await show();
    await expand('digits');
    await userEvent.click(row('cnn'));
    await press('{F2}');
    await userEvent.clear(screen.getByLabelText('New name'));
    await press('resnet{Enter}');
    await waitFor(() => expect(names(3)).toEqual(['mlp', 'resnet', 'svm']));
    expect(platform.server.calls('PATCH experiments/cnn')[0]?.body).toEqual({ name: 'resnet' });
  });

  it('leaves the name alone on Escape', async () => {
    await show();
    await expand('digits');
    await userEvent.click(row('cnn'));
    await press('{F2}x{Escape}');
    expect(row('cnn')).toBeTruthy();
    expect(platform.server.calls('PATCH experiments/cnn')).toEqual([]);
  });

  it('trashes with undo, and the focus goes to the row that follows', async () => {
    const move = (lifecycle: 'active' | 'trashed'): object => {
      platform.experiments[1] = experiment('cnn', { lifecycle });
      return { done: ['cnn'], failed: {}, freed_bytes: 0 };
    };
    platform.server.on('POST experiments/bulk', asked =>
      move((asked.body as { verb: string }).verb === 'trash' ? 'trashed' : 'active')
    );
    await show();
    await expand('digits');
    await userEvent.click(row('cnn'));
    await press('{Delete}');
    await waitFor(() => expect(names(3)).toEqual(['mlp', 'svm']));
    expect(document.activeElement).toBe(row('svm'));
    const [notice] = Notification.manager.notifications;
    expect(notice?.message).toBe('1 moved to the trash');
    act(() => notice?.options.actions?.[0]?.callback(new MouseEvent('click')));
    await waitFor(() => expect(platform.experiments[1]?.lifecycle).toBe('active'));
  });

  it('searches on /, in every section, and Escape ends it', async () => {
    await show();
    await userEvent.click(row('Projects'));
    await userEvent.click(row('Projects'));
    await press('/');
    expect(document.activeElement).toBe(screen.getByRole('searchbox'));
    await press('svm');
    await waitFor(() => expect(row('svm digits')).toBeTruthy());
    expect(names(1)).toEqual(['Experiments', 'Running', 'Tasks', 'Alerts', 'Projects', 'Archive', 'Trash']);
    await press('{Escape}');
    await waitFor(() => expect(row('digits')).toBeTruthy());
    expect(screen.queryByRole('searchbox')).toBeNull();
    await waitFor(() => expect(document.activeElement?.getAttribute('role')).toBe('treeitem'));
  });
});

describe('alerts', () => {
  const section = (): HTMLElement => rowsOf(1).find(one => one.textContent?.startsWith('Alerts'))!;

  it('that are over look it, and say since when', async () => {
    const fired_at = Date.now() / 1000 - 3700;
    platform.alerts = [
      anAlert({ uid: 'a1', fired_at }),
      anAlert({
        uid: 'a2',
        fired_at,
        state: 'resolved',
        resolved_at: fired_at + 1570,
        target: aTarget({ label: 'box1' })
      })
    ];
    await show();
    await userEvent.click(section());
    const says = ': memory at 97 % for 60 sec (limit 95 %)';
    const [firing, over] = [row(`GPU 0 · box1${says}`), row(`box1${says}`)];
    expect(firing.textContent).toMatch(/1h$/);
    expect(within(firing).getByRole('img', { name: 'warning' }).dataset.severity).toBe('warning');
    expect(firing.querySelector<HTMLElement>('.aiplat-Name')?.dataset.quiet).toBe('false');
    expect(over.textContent).toMatch(/over · 3[45]m$/);
    expect(within(over).getByRole('img', { name: 'warning, over' }).dataset.severity).toBe('resolved');
    expect(over.querySelector<HTMLElement>('.aiplat-Name')?.dataset.quiet).toBe('true');
  });

  it('that are all over no longer warn on top', async () => {
    platform.alerts = [anAlert({ state: 'resolved', resolved_at: 1_700_000_100 })];
    await show();
    expect(within(section()).queryByRole('img')).toBeNull();
    expect(section().textContent).toContain('1');
  });
});

describe('tasks', () => {
  beforeEach(() => {
    platform.tasks = [
      aTaskRow({ uid: 't1', name: 'train', progress: { done: 45, total: 100, text: '' } }),
      aTaskRow({ uid: 't2', name: 'eval', state: 'queued', reason: 'gpus', detail: '0/1', started_at: null }),
      aTaskRow({ uid: 't3', name: 'old', state: 'failed' }),
      aTaskRow({
        uid: 't4',
        name: 'again',
        state: 'queued',
        reason: 'backoff',
        detail: '2026-11-22T10:00:05Z',
        started_at: null
      })
    ];
    for (const id of [CommandIDs.openTask, CommandIDs.openTasks]) {
      platform.services.commands.addCommand(id, { execute: args => void opened.push({ id, ...args }) });
    }
  });

  it('show how far they are, or why they wait', async () => {
    await show();
    expect(row('train').textContent).toContain('45 %');
    expect(row('eval').textContent).toContain('waits for GPUs (free/needed: 0/1)');
    expect(row('again').textContent).toMatch(/next try .*:00:05/);
    expect(row('old')).toBeUndefined();
  });

  it('open by click and by keyboard; below them is the way to all', async () => {
    await show();
    await userEvent.click(row('train'));
    await press('{ArrowDown}{Enter}');
    await press('{ArrowDown}{ArrowDown}{Enter}');
    expect(opened.map(args => Object.values(args) as unknown[])).toEqual([
      [CommandIDs.openTask, 't1'],
      [CommandIDs.openTask, 't2'],
      [CommandIDs.openTasks]
    ]);
  });

  it('are followed', async () => {
    await show();
    platform.tasks = platform.tasks.slice(1);
    platform.tell({ topic: 'tasks', kind: 'status', uid: 't1' });
    await waitFor(() => expect(row('train')).toBeUndefined());
    expect(row('eval')).toBeTruthy();
  });

  it('are stopped with Delete', async () => {
    platform.server.on('POST tasks/t1/stop', aTaskRow());
    await show();
    await userEvent.click(row('train'));
    await press('{Delete}');
    await waitFor(() => expect(platform.server.calls('POST tasks/t1/stop')).toHaveLength(1));
  });
});

describe('several at once', () => {
  it('are chosen with Ctrl and Shift, and moved together', async () => {
    platform.server.on('POST experiments/bulk', asked => ({
      done: (asked.body as { uids: string[] }).uids,
      failed: {},
      freed_bytes: 0
    }));
    await show();
    await expand('digits');
    await userEvent.click(row('mlp'));
    fireEvent.click(row('svm'), { shiftKey: true });
    expect(screen.getByText('3 selected')).toBeTruthy();
    fireEvent.click(row('cnn'), { ctrlKey: true });
    expect(screen.getByText('2 selected')).toBeTruthy();
    await userEvent.click(within(screen.getByRole('toolbar')).getByRole('button', { name: 'Archive' }));
    const [sent] = platform.server.calls('POST experiments/bulk');
    expect(sent?.body).toEqual({ verb: 'archive', uids: ['mlp', 'svm'] });
  });

  it('tell what could not be done', async () => {
    const failed = {
      cnn: { type: '', title: '', status: 403, code: 'forbidden', detail: 'You may only look.' }
    };
    platform.server.on('POST experiments/bulk', { done: [], failed, freed_bytes: 0 });
    await show();
    await expand('digits');
    await userEvent.click(row('cnn'));
    await act(() => platform.services.commands.execute(CommandIDs.archive));
    expect(Notification.manager.notifications[0]?.message).toContain('You may only look.');
  });
});

describe('commands', () => {
  it('fit what is selected', async () => {
    await show();
    const { commands } = platform.services;
    expect(commands.isEnabled(CommandIDs.trash)).toBe(false);
    await expand('digits');
    await userEvent.click(row('cnn'));
    expect(commands.isVisible(CommandIDs.stop)).toBe(false);
    expect(commands.isVisible(CommandIDs.purge)).toBe(false);
    expect(commands.isVisible(CommandIDs.archive)).toBe(true);
    await userEvent.click(row('mlp'));
    expect(commands.isVisible(CommandIDs.stop)).toBe(true);
  });

  it('previews on a click and keeps on a double click', async () => {
    await show();
    await expand('digits');
    await userEvent.dblClick(row('cnn'));
    expect(opened[0]).toEqual({ uid: 'cnn', preview: true });
    expect(opened.at(-1)).toEqual({ uid: 'cnn', preview: false });
  });
});
