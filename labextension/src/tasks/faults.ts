/** What the server says would be right for a field of a new task, in the reader's language. */

import type { Trans } from '../i18n';
import { inWords } from '../page/faults';

/** Return it translated; what is not known here stays in the server's words. */
export function translated(right: string, trans: Trans): string {
  return inWords(right, [
    [/^a file that exists$/, () => trans.__('a file that exists')],
    [/^a file that you may read$/, () => trans.__('a file that you may read')],
    [/^a notebook \(\.ipynb\) that exists$/, () => trans.__('a notebook (.ipynb) that exists')],
    [/^path of the (?:script|notebook)$/, () => trans.__('path of the file')],
    [/^(?:a )?program and (?:its )?arguments$/, () => trans.__('a program and its arguments')],
    [
      /^a program that can be run: there is no (.+)$/,
      name => trans.__('a program that can be run: there is no %1', name)
    ],
    [
      /^what runs the script, as it is neither \.py nor \.sh nor executable$/,
      () => trans.__('what runs the script, as it is neither .py nor .sh nor executable')
    ],
    [/^1 to (\S+) characters$/, most => trans.__('1 to %1 characters', most)],
    [
      /^five fields: minute, hour, day, month, weekday; such as (.+)$/,
      example => trans.__('five fields: minute, hour, day, month, weekday; such as %1', example)
    ],
    [/^a name such as (\S+) or UTC$/, zone => trans.__('a name such as %1 or UTC', zone)],
    [/^a folder that exists$/, () => trans.__('a folder that exists')],
    [/^from (\S+) to (\S+)$/, (low, high) => trans.__('from %1 to %2', low, high)],
    [
      /^at most (\d+): the machine has no more$/,
      most => trans.__('at most %1: the machine has no more', most)
    ],
    [/^0: the machine has no GPU$/, () => trans.__('0: the machine has no GPU')]
  ]);
}
