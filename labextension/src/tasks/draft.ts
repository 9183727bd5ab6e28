/** What the form of a new task holds: text as it is typed, and the task that it means. */

import type { NewSchedule, NewTask, Schedule, Task, TaskSpec } from '../records';
import { secondsOf } from '../spans';

export type Kind = 'script' | 'command' | 'notebook';
/** A task that must have ended first, and how. */
export type Needed = NonNullable<NewTask['after']>[number];

export interface Draft {
  readonly kind: Kind;
  readonly project: string;
  readonly name: string;
  /** The script's or notebook's file. */
  readonly path: string;
  /** A line as for a shell; without `shell` it is only split at blanks outside of quotes. */
  readonly line: string;
  readonly shell: boolean;
  /** Arguments of a script, split like `line`. */
  readonly args: string;
  /** What runs a script; empty: what its ending says. */
  readonly interpreter: string;
  /** Parameters of a notebook: a line `name=value` each, the value as JSON or else as text. */
  readonly parameters: string;
  readonly cwd: string;
  /** A line `NAME=value` each. */
  readonly env: string;
  readonly gpus: string;
  readonly slots: string;
  readonly priority: string;
  readonly timeout: string;
  readonly retries: string;
  readonly after: readonly Needed[];
  /** Empty: at once. */
  readonly cron: string;
  readonly timezone: string;
  readonly misfire: Schedule['misfire'];
  readonly overlap: Schedule['overlap'];
  /** Uid of the schedule that is edited; null: a new one. */
  readonly schedule: string | null;
  /** What the task has been given that the form does not show. */
  readonly rest: Partial<NewTask>;
}

export function emptyDraft(): Draft {
  return {
    kind: 'script',
    project: '',
    name: '',
    path: '',
    line: '',
    shell: false,
    args: '',
    interpreter: '',
    parameters: '',
    cwd: '',
    env: '',
    gpus: '0',
    slots: '1',
    priority: '0',
    timeout: '',
    retries: '0',
    after: [],
    cron: '',
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    misfire: 'skip',
    overlap: 'skip',
    schedule: null,
    rest: {}
  };
}

/** Start from a file. */
export function draftOfFile(path: string): Draft {
  const kind = path.endsWith('.ipynb') ? 'notebook' : 'script';
  return { ...emptyDraft(), kind, path, name: stem(path) };
}

/** Characters of a command that a schedule without a name is called. */
const TITLE = 80;

/** What the server shows in the place of a secret. */
const MASK = '••••••';

/** Start from another task; secrets of its environment are not known here. */
export function draftOfTask(task: Task): Draft {
  const { spec, project_name, name, priority, executor, agent } = task;
  const after = task.after.map(one => ({ task: one.task, on: one.on }));
  return { ...draftOfSpec(spec, priority, { executor, agent }), project: project_name, name, after };
}

/** Change a schedule; who runs its tasks stays. */
export function draftOfSchedule(schedule: Schedule): Draft {
  const { uid, name, cron, timezone, misfire, overlap, task, task_name, priority, project_name } = schedule;
  const rest = task_name === name ? {} : { name: task_name };
  return {
    ...draftOfSpec(task, priority, rest),
    ...{ project: project_name, name, cron, timezone, misfire, overlap },
    schedule: uid
  };
}

function draftOfSpec(spec: TaskSpec, priority: number, rest: Partial<NewTask>): Draft {
  const { kernel, grace_s, retry_wait_s, rerun_lost } = spec;
  return {
    ...emptyDraft(),
    kind: spec.kind === 'notebook-live' ? 'notebook' : spec.kind,
    path: spec.script || spec.notebook,
    line: spec.shell ? (spec.command[0] ?? '') : joined(spec.command),
    shell: spec.shell,
    args: joined(spec.args),
    interpreter: spec.interpreter,
    parameters: lines(Object.entries(spec.parameters).map(([name, value]) => [name, JSON.stringify(value)])),
    cwd: spec.cwd,
    env: lines(Object.entries(spec.env)),
    gpus: String(spec.gpus),
    slots: String(spec.slots),
    priority: String(priority),
    timeout: spec.timeout_s === null ? '' : String(spec.timeout_s),
    retries: String(spec.retries),
    rest: { kernel, grace_s, retry_wait_s, rerun_lost, ...rest }
  };
}

const lines = (entries: readonly (readonly [string, string])[]): string =>
  entries.map(([name, value]) => `${name}=${value}`).join('\n');

function stem(path: string): string {
  return (path.split('/').pop() ?? '').replace(/\.\w+$/, '');
}

/** What is wrong with a field, before anyone is asked: its name and why. */
export class DraftError extends Error {
  constructor(
    readonly field: keyof Draft,
    message: string
  ) {
    super(message);
  }
}

/** Return the task that is meant. Throws `DraftError` for text that means nothing. */
export function taskOf(draft: Draft): NewTask {
  const { kind, path } = draft;
  const what: Partial<NewTask> =
    kind === 'command'
      ? { command: draft.shell ? [draft.line] : split(draft.line, 'line'), shell: draft.shell }
      : kind === 'script'
        ? { script: path, args: split(draft.args, 'args'), interpreter: draft.interpreter.trim() }
        : { notebook: path, parameters: parametersOf(draft.parameters) };
  return {
    name: draft.name.trim(),
    ...draft.rest,
    kind,
    project: draft.project.trim(),
    ...what,
    cwd: draft.cwd.trim(),
    env: envOf(draft.env),
    gpus: whole(draft, 'gpus'),
    slots: whole(draft, 'slots'),
    priority: whole(draft, 'priority'),
    retries: whole(draft, 'retries'),
    timeout_s: draft.timeout.trim() === '' ? null : seconds(draft.timeout),
    after: [...draft.after]
  };
}

/** Return the schedule that is meant: it is called like its tasks, else after what runs. */
export function scheduleOf(draft: Draft): NewSchedule {
  const { name, path, line, cron, timezone, misfire, overlap } = draft;
  const title = name.trim() || stem(path) || line.trim().slice(0, TITLE) || cron.trim();
  return { name: title, cron, timezone: timezone.trim(), misfire, overlap, task: taskOf(draft) };
}

function whole(draft: Draft, field: 'gpus' | 'slots' | 'priority' | 'retries'): number {
  const text = draft[field].trim();
  if (!/^-?\d{1,9}$/.test(text)) {
    throw new DraftError(field, 'whole');
  }
  return Number(text);
}

function seconds(text: string): number {
  const found = secondsOf(text);
  if (found === null || !(found > 0)) {
    throw new DraftError('timeout', 'duration');
  }
  return found;
}

function pairs(text: string, field: 'env' | 'parameters'): [string, string][] {
  return text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => {
      const [, name = '', value = ''] = /^\s*([A-Za-z_]\w*)\s*=(.*)$/.exec(line) ?? [];
      if (name === '') {
        throw new DraftError(field, 'pair');
      }
      return [name, value];
    });
}

function envOf(text: string): Record<string, string> {
  const given = pairs(text, 'env');
  if (given.some(([, value]) => value === MASK)) {
    throw new DraftError('env', 'secret');
  }
  return Object.fromEntries(given);
}

function parametersOf(text: string): Record<string, unknown> {
  return Object.fromEntries(pairs(text, 'parameters').map(([name, value]) => [name, asJson(value.trim())]));
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const WORD = /"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s"'\\]|\\.)+)|(\s+)|(.)/gsy;

/** Split a line as a shell does: blanks part words, quotes keep them together, a backslash keeps a character. */
export function split(line: string, field: 'line' | 'args'): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (const [, double, single, bare, blank, wrong] of line.matchAll(WORD)) {
    if (wrong !== undefined) {
      throw new DraftError(field, 'quote');
    }
    if (blank === undefined) {
      word = (word ?? '') + (single ?? unescaped(double ?? bare ?? ''));
    } else if (word !== null) {
      words.push(word);
      word = null;
    }
  }
  return word === null ? words : [...words, word];
}

const unescaped = (text: string): string => text.replace(/\\(.)/gs, '$1');

/** Words as a line that means them again. */
export function joined(words: readonly string[]): string {
  return words.map(quote).join(' ');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
}
