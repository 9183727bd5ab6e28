import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { CommandIDs } from '../../commands';
import { FakePlatform } from '../../testing/platform';
import { problem } from '../../testing/server';
import { aSchedule, aTask, aTaskRow } from '../../testing/tasks';
import { TasksModel } from '../model';
import { TaskModel } from '../taskModel';
import { TaskPage } from '../TaskPage';
import { TasksPage } from '../TasksPage';

const HOSTILE = '<img src=x onerror="alert(1)"><b>bold</b>';

let platform: FakePlatform;
let model: TasksModel;
let opened: object[];

beforeEach(() => {
  platform = new FakePlatform();
  opened = [];
  for (const id of [CommandIDs.openTask, CommandIDs.newTask, CommandIDs.openExperiment]) {
    platform.services.commands.addCommand(id, { execute: args => void opened.push({ id, ...args }) });
  }
});

afterEach(() => {
  platform.services.events.dispose();
  Notification.manager.dismiss();
});

async function show(): Promise<void> {
  model = new TasksModel(platform.services);
  render(<TasksPage model={model} services={platform.services} />);
  await waitFor(() => expect(model.queue.phase).not.toBe('loading'));
  await waitFor(() => expect(model.ended.phase).not.toBe('loading'));
  await waitFor(() => expect(model.schedules.phase).not.toBe('loading'));
}

function rows(list: 'Queue' | 'Ended' | 'Schedules'): HTMLElement[] {
  return within(screen.getByRole('list', { name: list })).queryAllByRole('listitem');
}

describe('the page of tasks', () => {
  afterEach(() => model.dispose());

  it('says what to do where there is none', async () => {
    await show();
    expect(screen.getByText(/Nothing is queued. “New task…” runs a script/)).toBeTruthy();
    expect(screen.queryByRole('list', { name: 'Schedules' })).toBeNull();
  });

  it('has the shape of rows while they load', () => {
    platform.server.on('GET tasks', () => new Promise(() => undefined));
    model = new TasksModel(platform.services);
    render(<TasksPage model={model} services={platform.services} />);
    expect(document.querySelectorAll('.aiplat-TaskRow.aiplat-mod-waiting').length).toBeGreaterThan(2);
    expect(screen.getByRole('list', { name: 'Queue' }).getAttribute('aria-busy')).toBe('true');
  });

  it('tells state, progress, needs and reasons, and nothing as markup', async () => {
    platform.tasks = [
      aTaskRow({ name: HOSTILE, gpus: 2, progress: { done: 3, total: 12, text: '' } }),
      aTaskRow({
        uid: 'task1',
        name: 'eval',
        state: 'queued',
        started_at: null,
        reason: 'after',
        detail: 'train'
      }),
      aTaskRow({ uid: 'task2', name: 'old', state: 'failed', reason: 'exit', detail: '3', ended_at: 1_100 })
    ];
    await show();
    const [running, queued] = rows('Queue');
    expect(running?.textContent).toContain(HOSTILE);
    expect(running?.textContent).toContain('running');
    expect(running?.textContent).toContain('25 %');
    expect(running?.textContent).toContain('2 GPUs');
    expect(within(running).getByRole('progressbar').getAttribute('aria-valuetext')).toBe('3 of 12');
    expect(queued?.textContent).toContain('after train');
    expect(rows('Ended')[0]?.textContent).toContain('exit code 3');
    expect(document.querySelector('.aiplat-TasksPage img, .aiplat-TasksPage b')).toBeNull();
  });

  it('moves a task of the queue up and down by keys', async () => {
    const queued = { state: 'queued', started_at: null } as const;
    platform.tasks = ['a', 'b', 'c'].map(uid => aTaskRow({ uid, name: uid, ...queued }));
    for (const uid of ['b', 'c']) {
      platform.server.on(`PATCH tasks/${uid}`, aTask({ uid }));
    }
    await show();
    act(() => rows('Queue')[1]?.focus());
    fireEvent.keyDown(rows('Queue')[1], { key: 'ArrowUp', altKey: true });
    await waitFor(() => expect(platform.server.calls('PATCH tasks/b')).toHaveLength(1));
    expect(platform.server.calls('PATCH tasks/b')[0]?.body).toEqual({ before: 'a' });
    fireEvent.keyDown(rows('Queue')[1], { key: 'ArrowDown', altKey: true });
    await waitFor(() => expect(platform.server.calls('PATCH tasks/c')).toHaveLength(1));
    expect(platform.server.calls('PATCH tasks/c')[0]?.body).toEqual({ before: 'b' });
  });

  it('keeps the focus in the queue when the task that was stopped by keys leaves it', async () => {
    const names = ['a', 'b', 'c'];
    platform.tasks = names.map(uid => aTaskRow({ uid, name: uid }));
    platform.server.on('POST tasks/b/stop', () => {
      platform.tasks = names.map(uid =>
        aTaskRow({ uid, name: uid, state: uid === 'b' ? 'cancelled' : 'running' })
      );
      return aTask({ uid: 'b' });
    });
    await show();
    act(() => within(rows('Queue')[1]).getByRole('button', { name: 'Stop' }).focus());
    await userEvent.keyboard('{Enter}');
    act(() => platform.tell({ topic: 'tasks', kind: 'status', uid: 'b' }));
    await waitFor(() => expect(rows('Queue')).toHaveLength(2));
    expect((document.activeElement as HTMLElement).dataset.uid).toBe('c');
  });

  it('says what failed, and tries again, while the rest goes on', async () => {
    let isBroken = true;
    platform.server.on('GET schedules', () =>
      isBroken ? problem(400, { detail: 'No such thing.' }) : { items: [] }
    );
    platform.tasks = [aTaskRow()];
    await show();
    expect(rows('Queue')).toHaveLength(1);
    expect(screen.getByRole('alert').textContent).toContain('The schedules could not be loaded.');
    expect(screen.getByRole('alert').textContent).toContain('No such thing.');
    isBroken = false;
    await userEvent.click(within(screen.getByRole('alert')).getByRole('button', { name: 'Retry' }));
    await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  });
});

describe('schedules', () => {
  afterEach(() => model.dispose());

  it('tell when next, how the last one is, and why the last time queued nothing', async () => {
    const missed = {
      ...{ type: '', title: '', status: 409, code: 'conflict' },
      detail: 'The last task was still running.'
    };
    platform.schedules = [
      aSchedule({ last_task: 'task7', last_state: 'failed' }),
      aSchedule({
        uid: 'two',
        name: HOSTILE,
        is_enabled: false,
        next_at: null,
        problem: { ...missed, hint: null } as never
      })
    ];
    await show();
    const [first, second] = rows('Schedules');
    expect(first?.textContent).toContain('30 2 * * *');
    expect(first?.textContent).toContain('Asia/Shanghai');
    expect(first?.textContent).toMatch(/next in 2 h/);
    await userEvent.click(within(first).getByRole('button', { name: 'last one failed' }));
    expect(opened).toEqual([{ id: CommandIDs.openTask, uid: 'task7' }]);
    expect(second?.textContent).toContain(HOSTILE);
    expect(second?.textContent).toContain('off');
    expect(second?.textContent).toContain('queued nothing: the last one was still running');
  });

  it('are switched off and run between their times', async () => {
    platform.schedules = [aSchedule()];
    platform.server
      .on('PATCH schedules/schedule0', () => {
        platform.schedules = [aSchedule({ is_enabled: false, next_at: null })];
        return platform.schedules[0];
      })
      .on('POST schedules/schedule0/run', aTask({ uid: 'made', name: 'train' }));
    await show();
    await userEvent.click(screen.getByRole('switch', { name: 'On: schedule “nightly”' }));
    await waitFor(() =>
      expect(platform.server.calls('PATCH schedules/schedule0')[0]?.body).toEqual({ is_enabled: false })
    );
    act(() => platform.tell({ topic: 'schedules', uid: 'schedule0' }));
    await waitFor(() => expect(rows('Schedules')[0]?.textContent).toContain('off'));
    await userEvent.click(screen.getByRole('button', { name: 'Run “nightly” now' }));
    await waitFor(() =>
      expect(Notification.manager.notifications.map(one => one.message)).toEqual(['“train” is queued'])
    );
  });

  it('are only looked at by viewers', async () => {
    platform.schedules = [aSchedule({ role: 'viewer' })];
    await show();
    expect(screen.getByRole('switch').hasAttribute('disabled')).toBe(true);
    expect(screen.queryByRole('button', { name: 'Run “nightly” now' })).toBeNull();
  });
});

describe('the page of one task', () => {
  let one: TaskModel;

  afterEach(() => one.dispose());

  function open(): void {
    one = new TaskModel('task0', platform.services);
    render(<TaskPage model={one} services={platform.services} />);
  }

  it('says that it runs unsupervised, what it runs, and which experiment is its', async () => {
    const command = ['python', '-c', 'print("a b")'];
    platform.server.on(
      'GET tasks/task0',
      aTask({
        ...{ reason: 'unattended', experiment: 'exp0', experiment_name: 'mlp' },
        spec: { kind: 'command', command }
      })
    );
    open();
    await screen.findByRole('heading', { name: 'train' });
    expect(screen.getByText('unsupervised: its exit code will not be known').dataset.reason).toBe(
      'unattended'
    );
    expect(screen.getByText('python -c "print(\\"a b\\")"')).toBeTruthy();
    await userEvent.click(screen.getByRole('button', { name: 'experiment mlp' }));
    expect(opened).toEqual([{ id: CommandIDs.openExperiment, uid: 'exp0' }]);
  });

  it('gives a notebook with its outputs, once there are some', async () => {
    const notebook = { kind: 'notebook' as const, started_at: null };
    platform.server.on('GET tasks/task0', aTask(notebook));
    open();
    await screen.findByRole('heading', { name: 'train' });
    expect(screen.queryByRole('link', { name: /outputs/ })).toBeNull();
    platform.server.on('GET tasks/task0', aTask({ ...notebook, started_at: 1_001 }));
    act(() => one.reload());
    const link = await screen.findByRole('link', { name: /outputs/ });
    expect(link.getAttribute('href')).toMatch(/tasks\/task0\/notebook$/);
  });

  it('retries and clones', async () => {
    platform.server
      .on('GET tasks/task0', aTask({ state: 'failed', ended_at: 1_100 }))
      .on('POST tasks/task0/retry', aTask())
      .on('POST tasks/task0/clone', aTask({ uid: 'copy' }));
    open();
    await userEvent.click(await screen.findByRole('button', { name: 'Retry' }));
    await waitFor(() => expect(platform.server.calls('POST tasks/task0/retry')).toHaveLength(1));
    await userEvent.click(screen.getByRole('button', { name: 'Clone' }));
    await waitFor(() => expect(platform.server.calls('POST tasks/task0/clone')).toHaveLength(1));
  });

  it.each([
    [404, 'There is no such task, or you may not see it.'],
    [410, 'This task was deleted for good.']
  ])('says why there is none: %i', async (status, said) => {
    platform.server.on('GET tasks/task0', () => problem(status, { code: 'gone' }));
    open();
    expect(await screen.findByText(said)).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Retry' })).toBeTruthy();
  });
});
