/** How a task must end for those that wait for it. */

import type { Trans } from '../i18n';
import type { Task } from '../records';

export function conditionWords(trans: Trans): Readonly<Record<Task['after'][number]['on'], string>> {
  return {
    ok: trans.__('must succeed'),
    any: trans.__('must end'),
    failed: trans.__('must fail')
  };
}
