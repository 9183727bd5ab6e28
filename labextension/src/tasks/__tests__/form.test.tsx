import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakePlatform } from '../../testing/platform';
import { aSchedule, aTask, aTaskRow } from '../../testing/tasks';
import { draftOfSchedule, emptyDraft, type Draft } from '../draft';
import { FormModel } from '../formModel';
import { TaskForm } from '../TaskForm';

let platform: FakePlatform;
let model: FormModel;
let done: string[];

beforeEach(() => {
  platform = new FakePlatform();
  platform.server.on('POST tasks/check', { fields: {}, argv: ['python', 'train.py'], cwd: '/work' });
  done = [];
});

afterEach(() => {
  model.dispose();
  platform.services.events.dispose();
});

function show(change: Partial<Draft> = {}): void {
  model = new FormModel({ ...emptyDraft(), project: 'digits', ...change }, platform.services);
  render(<TaskForm model={model} browse={null} onDone={uid => done.push(uid)} onCancel={() => undefined} />);
}

const field = (label: string): HTMLElement => screen.getByLabelText(label);

describe('the form of a new task', () => {
  it('is queued, and says so while that takes', async () => {
    let answer: (task: object) => void = () => undefined;
    platform.server.on('POST tasks', () => new Promise(resolve => (answer = resolve)));
    show({ path: 'train.py' });
    await userEvent.click(screen.getByRole('button', { name: 'Queue task' }));
    const busy = await screen.findByRole('button', { name: 'Queueing…' });
    expect(busy.hasAttribute('disabled')).toBe(true);
    await waitFor(() => expect(platform.server.calls('POST tasks')).toHaveLength(1));
    answer(aTask({ uid: 'made' }));
    await waitFor(() => expect(done).toEqual(['made']));
  });

  it('leads to the first field that is wrong, also to one that was folded away', async () => {
    platform.server.on('POST tasks/check', { fields: { cwd: 'a folder that exists' }, argv: [] });
    show({ path: 'train.py' });
    await userEvent.click(screen.getByRole('button', { name: 'Queue task' }));
    await waitFor(() => expect(field('Working folder')).toBe(document.activeElement));
    expect(field('Working folder').closest('details')?.open).toBe(true);
    expect(screen.getByText('a folder that exists')).toBeTruthy();
    expect(platform.server.calls('POST tasks')).toEqual([]);
  });

  it('says that the GPUs it asks for are not there', async () => {
    platform.server.on('POST tasks/check', { fields: { gpus: '0: the machine has no GPU' }, argv: [] });
    show({ path: 'train.py' });
    await userEvent.clear(field('GPUs'));
    await userEvent.type(field('GPUs'), '1');
    expect(await screen.findByText('0: the machine has no GPU')).toBeTruthy();
    expect(field('GPUs').getAttribute('aria-invalid')).toBe('true');
  });

  it('names what is wrong with what it has no field for', async () => {
    platform.server.on('POST tasks/check', { fields: { kernel: 'one of python3' }, argv: [] });
    show({ kind: 'notebook', path: 'a.ipynb' });
    await userEvent.click(screen.getByRole('button', { name: 'Queue task' }));
    expect((await screen.findByRole('status')).textContent).toContain('kernel: one of python3');
  });

  it('waits for other tasks, however they must end', async () => {
    platform.tasks = [aTaskRow({ uid: 'first', name: 'prepare' })];
    platform.server.on('POST tasks', aTask({ uid: 'made' }));
    show({ path: 'train.py' });
    await userEvent.click(await screen.findByText('Start only after other tasks'));
    await userEvent.click(screen.getByRole('checkbox', { name: 'prepare' }));
    await userEvent.selectOptions(field('How “prepare” must end'), 'must end');
    await userEvent.click(screen.getByRole('button', { name: 'Queue task' }));
    await waitFor(() => expect(done).toEqual(['made']));
    expect(platform.server.calls('POST tasks')[0]?.body).toMatchObject({
      after: [{ task: 'first', on: 'any' }]
    });
  });
});

describe('the form of a schedule', () => {
  it('is made once there is a time, with what happens at times that do not fit', async () => {
    platform.server.on('POST schedules', aSchedule());
    show({ path: 'train.py', name: 'nightly' });
    await userEvent.type(field('Repeat (cron)'), '30 2 * * *');
    await userEvent.selectOptions(field('When no server ran at the time'), 'queue it later, once');
    await userEvent.click(screen.getByRole('button', { name: 'Save schedule' }));
    await waitFor(() => expect(done).toEqual(['']));
    expect(platform.server.calls('POST schedules')[0]?.body).toMatchObject({
      ...{ name: 'nightly', cron: '30 2 * * *', misfire: 'once', overlap: 'skip' },
      task: { script: 'train.py', project: 'digits', after: [] }
    });
  });

  it('changes the one that it was opened for', async () => {
    platform.server.on('PATCH schedules/schedule0', aSchedule());
    show(draftOfSchedule(aSchedule()));
    expect(screen.getByRole('heading', { name: 'Schedule “nightly”' })).toBeTruthy();
    await userEvent.clear(field('Repeat (cron)'));
    await userEvent.type(field('Repeat (cron)'), '0 4 * * *');
    await userEvent.click(screen.getByRole('button', { name: 'Save schedule' }));
    await waitFor(() => expect(done).toEqual(['']));
    expect(platform.server.calls('PATCH schedules/schedule0')[0]?.body).toMatchObject({ cron: '0 4 * * *' });
    expect(platform.server.calls('POST tasks')).toEqual([]);
  });
});
