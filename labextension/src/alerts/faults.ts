/** What the server says would be right for a field of a rule, in the reader's language. */

import type { Trans } from '../i18n';
import { inWords } from '../page/faults';

/** Return it translated; what is not known here stays in the server's words. */
export function translated(right: string, trans: Trans): string {
  return inWords(right, [
    [/^from (\S+) to (\S+)$/, (low, high) => trans.__('from %1 to %2', low, high)],
    [/^at most (\S+)$/, most => trans.__('at most %1', most)],
    [/^a finite number$/, () => trans.__('a number')],
    [/^a threshold, here or in critical$/, () => trans.__('a threshold here, or for critical')],
    // The number is in the server's unit, the form's may be another one.
    [/^not on the good side of warning/, () => trans.__('no better than the warning')],
    [/^on the good side of (?:warning|critical)$/, () => trans.__('on the good side of its threshold')],
    [/^seconds, at least 1$/, () => trans.__('at least 1s')],
    [/^times, more than 1$/, () => trans.__('more than 1')],
    [/^steps, at least 1$/, () => trans.__('at least 1 step')],
    [/^at least 60 seconds, or 0 for never$/, () => trans.__('at least 60s, or empty for never')],
    [/^seconds, to take the /, () => trans.__('a time such as 90s, 15m, 2h or 1d')],
    [/^an address that begins with http/, () => trans.__('an address that begins with http:// or https://')],
    [/^an address in Apprise/, () => trans.__('an address in the form of Apprise, such as slack://…')],
    [
      /^not possible yet: (.+), then restart the server$/,
      command => trans.__('not possible yet: run %1, then restart the server', command)
    ],
    [/^an address$/, () => trans.__('an address')],
    [/^the whole address: /, () => trans.__('the whole address: what is shown of it is not it')]
  ]);
}
