/** The button that opens a menu of what else can be done. */

import type { JSX } from 'react';

import type { Trans } from '../i18n';

interface Props {
  /** Opens the menu at the button. */
  readonly onOpen: (button: HTMLElement) => void;
  readonly trans: Trans;
}

export function MoreButton({ onOpen, trans }: Props): JSX.Element {
  return (
    <button
      type="button"
      className="aiplat-TextButton"
      aria-label={trans.__('More actions')}
      aria-haspopup="menu"
      onClick={event => onOpen(event.currentTarget)}
    >
      ⋯
    </button>
  );
}
