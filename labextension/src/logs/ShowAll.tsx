/** The button that takes the level away which hides lines. */

import type { JSX } from 'react';

import type { Log } from './log';
import type { Trans } from './words';

interface Props {
  readonly log: Log;
  /** The button goes away with what it took away: the lines get the keys back. */
  readonly onLeave: () => void;
  readonly trans: Trans;
}

export function ShowAll({ log, onLeave, trans }: Props): JSX.Element {
  const show = (): void => {
    log.choose({ level: null });
    onLeave();
  };
  return (
    <button type="button" onClick={show}>
      {trans.__('Show all')}
    </button>
  );
}
