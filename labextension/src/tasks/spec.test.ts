import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import type { Trans } from '../i18n';
import { aTask } from '../testing/tasks';
import { specEntries } from './spec';

const trans = nullTranslator.load('aiplat_jupyter');

function rows(task: Parameters<typeof specEntries>[0], words: Trans = trans): [string, string][] {
  return specEntries(task, words).map(({ label, text }) => [label ?? '', text]);
}

describe('what a task runs', () => {
  it('is told in words, without what is as usual', () => {
    const spec = {
      kind: 'script',
      script: 'train.py',
      args: ['--lr', '1e-3'],
      env: { EPOCHS: '3', NOTHING: '' },
      timeout_s: 7200,
      rerun_lost: true
    } as const;
    const found = rows(aTask({ spec: { command: [], ...spec, args: [...spec.args] }, machine: 'node-1' }));
    expect(found).toContainEqual(['Kind', 'Script']);
    expect(found).toContainEqual(['Arguments', '--lr 1e-3']);
    expect(found).toContainEqual(['Environment EPOCHS', '3']);
    expect(found).toContainEqual(['Time limit', '2h 00m']);
    expect(found).toContainEqual(['Run again when lost', 'yes']);
    expect(found).toContainEqual(['Machine', 'node-1']);
    expect(found.map(([label]) => label)).not.toContain('Slots');
    expect(found.map(([label]) => label)).not.toContain('Priority');
  });

  it('shows no name of a field in any language', () => {
    const marked = { ...trans, __: (text: string) => `<${text}>` };
    const task = aTask({
      spec: { gpus: 2, retries: 3, grace_s: 60, retry_wait_s: 5, shell: true, cwd: '/x' }
    });
    expect(rows(task, marked).filter(([label]) => !label.startsWith('<'))).toEqual([]);
  });
});
