/** What a task runs, as rows of words and values. */

import { entries, type Entry } from '../experiment/entries';
import { duration } from '../format';
import type { Trans } from '../i18n';
import type { Task, TaskSpec } from '../records';
import { joined } from './draft';

type Field = keyof TaskSpec | 'priority' | 'executor' | 'machine';

/** What a task does when nothing is said. */
const USUAL: { readonly [F in Field]?: unknown } = { slots: 1, grace_s: 30, retry_wait_s: 10, priority: 0 };

/** What was asked for, and where it runs; what is as usual is left out. */
export function specEntries(task: Task, trans: Trans): Entry[] {
  const { spec, priority, executor, machine } = task;
  const words = fieldWords(trans);
  const facts = Object.entries({ ...spec, priority, executor, machine }) as [Field, unknown][];
  return facts
    .filter(([field, value]) => !isEmpty(value) && USUAL[field] !== value)
    .flatMap(([field, value]) =>
      entries({ [field]: shown(field, value, task, trans) }).map(entry => ({
        ...entry,
        label: words[field] + entry.key.slice(field.length).replace('.', ' ')
      }))
    );
}

function isEmpty(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0);
}

function shown(field: Field, value: unknown, { spec }: Task, trans: Trans): unknown {
  if (Array.isArray(value)) {
    const words = value as string[];
    return spec.shell ? words.join(' ') : joined(words);
  }
  if (field === 'kind') {
    return kindWords(trans)[value as TaskSpec['kind']];
  }
  if (field.endsWith('_s')) {
    return duration(value as number);
  }
  return value === true ? trans.__('yes') : value;
}

function kindWords(trans: Trans): Readonly<Record<TaskSpec['kind'], string>> {
  return {
    command: trans.__('Command'),
    script: trans.__('Script'),
    notebook: trans.__('Notebook'),
    'notebook-live': trans.__('Notebook, by hand')
  };
}

function fieldWords(trans: Trans): Readonly<Record<Field, string>> {
  return {
    kind: trans.__('Kind'),
    command: trans.__('Command'),
    shell: trans.__('In a shell'),
    script: trans.__('Script'),
    args: trans.__('Arguments'),
    interpreter: trans.__('Interpreter'),
    notebook: trans.__('Notebook'),
    parameters: trans.__('Parameters'),
    kernel: trans.__('Kernel'),
    cwd: trans.__('Working folder'),
    env: trans.__('Environment'),
    gpus: trans.__('GPUs'),
    slots: trans.__('Slots'),
    timeout_s: trans.__('Time limit'),
    grace_s: trans.__('Time to end by itself'),
    retries: trans.__('Retries'),
    retry_wait_s: trans.__('Wait before a retry'),
    rerun_lost: trans.__('Run again when lost'),
    priority: trans.__('Priority'),
    executor: trans.__('Executor'),
    machine: trans.__('Machine')
  };
}
