import { describe, expect, it } from 'vitest';

import { aSchedule, aTask } from '../testing/tasks';
import {
  DraftError,
  draftOfFile,
  draftOfSchedule,
  draftOfTask,
  emptyDraft,
  scheduleOf,
  split,
  taskOf
} from './draft';

describe('a line of words', () => {
  it.each([
    ['python train.py --lr 1e-3', ['python', 'train.py', '--lr', '1e-3']],
    [`a "b c" 'd "e"' f\\ g`, ['a', 'b c', 'd "e"', 'f g']],
    [`--name="x y"z ''`, ['--name=x yz', '']],
    ['  ', []],
    ['"a\\"b" 中文', ['a"b', '中文']]
  ])('is split: %s', (line, words) => {
    expect(split(line, 'line')).toEqual(words);
  });

  it.each(['"open', "it's", 'ends with \\'])('is refused when a quote stays open: %s', line => {
    expect(() => split(line, 'args')).toThrow(DraftError);
  });
});

describe('the task that is meant', () => {
  const draft = { ...emptyDraft(), project: ' digits ' };

  it('runs a script with its arguments', () => {
    const task = taskOf({ ...draft, path: 'train.py', args: '--epochs 3', gpus: '1', timeout: '2h' });
    expect(task).toMatchObject({
      kind: 'script',
      project: 'digits',
      script: 'train.py',
      args: ['--epochs', '3'],
      gpus: 1,
      timeout_s: 7200
    });
  });

  it('gives a notebook values, as JSON where they are', () => {
    const parameters = 'lr=1e-3\nname = two words\nlayers=[1, 2]\nflag=true';
    expect(taskOf({ ...draft, kind: 'notebook', path: 'a.ipynb', parameters }).parameters).toEqual({
      lr: 0.001,
      name: 'two words',
      layers: [1, 2],
      flag: true
    });
  });

  it('hands a shell its line as it is', () => {
    const line = 'for i in 1 2; do echo "$i"; done | sort';
    expect(taskOf({ ...draft, kind: 'command', line, shell: true }).command).toEqual([line]);
  });

  it.each([
    ['gpus', { gpus: '1.5' }],
    ['retries', { retries: '' }],
    ['timeout', { timeout: 'soon' }],
    ['timeout', { timeout: '0' }],
    ['env', { env: 'A=1\nnonsense' }],
    ['env', { env: 'API_KEY=••••••' }],
    ['parameters', { kind: 'notebook' as const, parameters: '1a=2' }]
  ])('names the field that means nothing: %s', (field, change) => {
    expect(fieldOf(() => taskOf({ ...draft, ...change }))).toBe(field);
  });
});

function fieldOf(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (reason) {
    return (reason as DraftError).field;
  }
}

describe('a draft', () => {
  it('of a file knows what it is', () => {
    expect(draftOfFile('a/train.ipynb')).toMatchObject({ kind: 'notebook', name: 'train' });
    expect(draftOfFile('run.sh')).toMatchObject({ kind: 'script', path: 'run.sh', name: 'run' });
  });

  it('of a task means that task again', () => {
    const task = aTask({
      spec: { kind: 'command', command: ['python', '-c', 'print("a b")'], env: { A: 'x=y' }, timeout_s: 90 }
    });
    expect(taskOf(draftOfTask(task))).toMatchObject({
      command: ['python', '-c', 'print("a b")'],
      env: { A: 'x=y' },
      timeout_s: 90,
      project: task.project_name
    });
  });

  it('of a task keeps what the form does not show, and what must be the case before it starts', () => {
    const times = { grace_s: 300, retry_wait_s: 60 };
    const spec = {
      kind: 'script' as const,
      script: 'fit.R',
      interpreter: 'Rscript',
      ...times,
      rerun_lost: true
    };
    const after = [{ task: 'task1', name: 'prepare', on: 'any', state: 'running' }] as const;
    const task = aTask({ spec, after: [...after], executor: 'slurm', agent: 'agent7', priority: 3 });
    expect(taskOf(draftOfTask(task))).toMatchObject({
      ...spec,
      ...{ executor: 'slurm', agent: 'agent7', priority: 3 },
      after: [{ task: 'task1', on: 'any' }]
    });
  });

  it('of a schedule means that schedule again', () => {
    const schedule = aSchedule({ misfire: 'once', overlap: 'queue', task_name: 'train', priority: 2 });
    const meant = scheduleOf(draftOfSchedule(schedule));
    const { name, cron, timezone, misfire, overlap } = schedule;
    expect(meant).toMatchObject({ name, cron, timezone, misfire, overlap });
    expect(meant.task).toMatchObject({ name: 'train', script: 'train.py', priority: 2 });
  });

  it('of a schedule without a name is called after what runs', () => {
    const draft = { ...emptyDraft(), cron: '0 1 * * *' };
    expect(scheduleOf({ ...draft, path: 'a/fit.py' }).name).toBe('fit');
    expect(scheduleOf({ ...draft, kind: 'command', line: 'python -m fit' }).name).toBe('python -m fit');
  });
});
