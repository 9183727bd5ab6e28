/** Keeps the focus in a list whose rows go: what one did to a row by keys goes on at the next one. */

import { useEffect, useLayoutEffect, useRef, type RefObject } from 'react';

interface Focused {
  uid: string;
  at: number;
}

/** The rows' elements name their `uid` (`data-uid`); `list` can be focused itself, for when none is left. */
export function useKeptFocus(rows: readonly { uid: string }[], list: RefObject<HTMLElement>): void {
  const last = useRef<Focused | null>(null);
  useEffect(() => {
    const element = list.current;
    const note = ({ target }: FocusEvent): void => {
      const row = (target as Element).closest<HTMLElement>('[data-uid]');
      const at = row === null ? -1 : rowsOf(element).indexOf(row);
      last.current = row === null ? null : { uid: row.dataset.uid ?? '', at };
    };
    element?.addEventListener('focusin', note);
    return () => element?.removeEventListener('focusin', note);
  });
  useLayoutEffect(() => {
    const { current } = last;
    const isLost = document.activeElement === null || document.activeElement === document.body;
    if (current !== null && isLost && rows.every(row => row.uid !== current.uid)) {
      last.current = null;
      focusNear(list.current, current.at);
    }
  }, [rows, list]);
}

function rowsOf(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>('[data-uid]') ?? [])];
}

function focusNear(list: HTMLElement | null, at: number): void {
  const all = rowsOf(list);
  const row = all[Math.min(at, all.length - 1)];
  const target = row !== undefined && !row.hasAttribute('tabindex') ? row.querySelector('button') : row;
  (target ?? list)?.focus({ preventScroll: true });
}
