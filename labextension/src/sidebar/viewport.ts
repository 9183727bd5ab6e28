/** A long list in a scrolling box: which of its rows are drawn, and how it keeps still while rows come and go. */

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { RefObject } from 'react';

import { isThing, uidOf } from './rows';
import type { Row } from './rows';

/** CSS pixels; the style sheet has the same. */
export const ROW_HEIGHT = 24;
const SECTION_GAP = 8;
const SPARE_ROWS = 10;
/** Drawn before the box has told its height. */
const UNKNOWN_HEIGHT = 1200;

/** Where each row begins, in CSS pixels from the top of the list; one more entry tells where the last one ends. */
export function edges(rows: readonly Row[]): number[] {
  let top = 0;
  const all = rows.map((row, index) => {
    const start = top + (row.kind === 'section' && index > 0 ? SECTION_GAP : 0);
    top = start + ROW_HEIGHT;
    return start;
  });
  return [...all, top];
}

/** What is seen of a list, in CSS pixels from its top. */
export interface Viewport {
  readonly from: number;
  readonly to: number;
}

/** What is seen of the list in its scrolling parent, in steps of some rows so that few scroll events draw anything. */
export function useViewport(list: RefObject<HTMLElement>): Viewport {
  const [view, setView] = useState<Viewport>({ from: 0, to: UNKNOWN_HEIGHT });
  useEffect(() => {
    const box = list.current?.parentElement;
    if (!box) {
      return;
    }
    const step = (SPARE_ROWS * ROW_HEIGHT) / 2;
    const read = (): void => {
      const start = scrolled(box, list);
      const from = Math.floor(start / step) * step;
      const to = Math.ceil((start + (box.clientHeight || UNKNOWN_HEIGHT)) / step) * step;
      setView(old => (old.from === from && old.to === to ? old : { from, to }));
    };
    const observer = new ResizeObserver(read);
    observer.observe(box);
    box.addEventListener('scroll', read, { passive: true });
    read();
    return () => {
      observer.disconnect();
      box.removeEventListener('scroll', read);
    };
  }, [list]);
  return view;
}

/** Indices of the rows to draw: those in view and some on each side; and `always`, wherever it is. */
export function drawn(tops: readonly number[], { from, to }: Viewport, always: number): number[] {
  const spare = SPARE_ROWS * ROW_HEIGHT;
  const indices = tops.slice(0, -1).flatMap((top, at) => {
    const isNear = top + ROW_HEIGHT > from - spare && top < to + spare;
    return isNear || at === always ? [at] : [];
  });
  return indices;
}

interface Unseen {
  /** So many projects and experiments came above what is in view. */
  readonly count: number;
  /** Scroll up to the first of them. */
  readonly show: () => void;
}

interface Drawing {
  readonly rows: readonly Row[];
  readonly tops: readonly number[];
  readonly topic: string;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Keep what the reader looks at in its place while rows come and go above it, and tell how many came there. At the top
 * of the list they slide in instead. Another `topic` (a search) begins at the top.
 */
export function useSteady(list: RefObject<HTMLElement>, drawing: Drawing): Unseen {
  const before = useRef(drawing);
  const fresh = useRef(NONE);
  const [unseen, setUnseen] = useState<Came>(NOTHING);
  const look = useCallback(() => {
    const box = list.current?.parentElement;
    const now = box ? above(before.current, scrolled(box, list), fresh.current) : NOTHING;
    if (now.count === 0) {
      fresh.current = NONE;
    }
    setUnseen(old => (old.count === now.count && old.top === now.top ? old : now));
  }, [list]);
  useLayoutEffect(() => {
    const old = before.current;
    before.current = drawing;
    const box = list.current?.parentElement;
    if (old === drawing || !box) {
      return;
    }
    if (old.topic !== drawing.topic) {
      box.scrollTop = 0;
      fresh.current = NONE;
    } else {
      const shift = shiftOf(old, drawing, scrolled(box, list));
      box.scrollTop += shift?.by ?? 0;
      fresh.current = new Set([...fresh.current, ...(shift?.came ?? [])]);
    }
    look();
  }, [drawing, list, look]);
  useEffect(() => {
    const box = list.current?.parentElement;
    box?.addEventListener('scroll', look, { passive: true });
    return () => box?.removeEventListener('scroll', look);
  }, [list, look]);
  const show = useCallback(() => {
    list.current?.parentElement?.scrollTo({ top: list.current.offsetTop + unseen.top - ROW_HEIGHT });
  }, [list, unseen]);
  return { count: unseen.count, show };
}

/** How far the list is scrolled up out of its box. */
function scrolled(box: HTMLElement, list: RefObject<HTMLElement>): number {
  return box.scrollTop - (list.current?.offsetTop ?? 0);
}

/** How far the first row in view that stays has moved, and which things are new above it; null at the list's top. */
export function shiftOf(
  old: Omit<Drawing, 'topic'>,
  now: Omit<Drawing, 'topic'>,
  from: number
): { by: number; came: string[] } | null {
  if (from < ROW_HEIGHT) {
    return null;
  }
  const places = new Map(now.rows.map((row, at) => [row.key, at]));
  const anchor = old.rows.findIndex((row, at) => old.tops[at] + ROW_HEIGHT > from && places.has(row.key));
  const place = places.get(old.rows[anchor]?.key ?? '');
  if (place === undefined) {
    return null;
  }
  const known = new Set(old.rows.filter(isThing).map(uidOf));
  const came = now.rows
    .slice(0, place)
    .filter(isThing)
    .map(uidOf)
    .filter(uid => !known.has(uid));
  return { by: now.tops[place] - old.tops[anchor], came };
}

interface Came {
  /** So many things of `fresh` begin above what is in view. */
  readonly count: number;
  /** Where the first of them begins. */
  readonly top: number;
}

const NOTHING: Came = { count: 0, top: 0 };

/** What of `fresh` begins above `from`, in CSS pixels. */
export function above(
  { rows, tops }: Omit<Drawing, 'topic'>,
  from: number,
  fresh: ReadonlySet<string>
): Came {
  if (fresh.size === 0) {
    return NOTHING;
  }
  const places = rows.flatMap((row, at) =>
    tops[at] < from && isThing(row) && fresh.has(uidOf(row)) ? [at] : []
  );
  const uids = new Set(
    places
      .map(at => rows[at])
      .filter(isThing)
      .map(uidOf)
  );
  return { count: uids.size, top: tops[places[0]] ?? 0 };
}
