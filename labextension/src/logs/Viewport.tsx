/** The lines in view. Only they are drawn: the place in the log is a line and an offset, not a height of everything. */

import {
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type JSX,
  type MutableRefObject,
  type RefObject
} from 'react';

import { useLatest, useSize } from '../chart/hooks';
import { watchTheme } from '../chart/theme';
import { compose, type Composed, type Place } from './composing';
import { paperOf, type Paper } from './contrast';
import type { Log } from './log';
import type { Looks } from './looks';
import { useChanges } from './observable';
import { ROW } from './reading';
import type { Row, Shelf } from './rows';
import { RowView, type RowActions } from './RowView';
import { Scrollbar } from './Scrollbar';
import { RANKS } from './source';
import type { Trans } from './words';

interface Props {
  readonly log: Log;
  readonly looks: Looks;
  readonly actions: RowActions;
  readonly trans: Trans;
}

/** What moves the view by hand. */
export interface Mover {
  /** By so many pixels. */
  by: (pixels: number) => void;
  /** Pixels of one page. */
  readonly page: number;
}

export function Viewport(props: Props & { readonly mover: MutableRefObject<Mover | null> }): JSX.Element {
  const { log, looks, trans, mover } = props;
  const { model, reading, searching, landmarks } = log;
  useChanges(model);
  useChanges(reading);
  useChanges(searching);
  useChanges(landmarks);
  const [root, setRoot] = useState<HTMLDivElement | null>(null);
  const content = useRef<HTMLDivElement>(null);
  const [measure, size] = useSize();
  const height = size?.height ?? 0;
  const paper = usePaper(root, looks.colours);
  const { place, open } = reading;
  const shelf = model.shelf(aroundOf(log, looks), open);
  const composed = compose(shelf, place, height, ROW);

  useEffect(() => measure(root), [measure, root]);
  useEffect(() => model.need(composed.rows), [model, composed.rows]);
  useEffect(() => model.trim(reading.first), [model, reading.first]);
  const top = usePlacing(content, composed, props, height);
  const by = useMoving(root, top, log, height);
  useHolding(root, top, log);
  useLayoutEffect(() => {
    reading.height = height || reading.height;
    mover.current = { by, page: Math.max(ROW, height - ROW) };
  });
  return (
    <div className="aiplat-LogBody">
      <div className={`aiplat-LogLines${looks.wrap ? ' aiplat-mod-wrapped' : ''}`} ref={setRoot}>
        <div className="aiplat-LogContent" ref={content} style={gutterStyle(shelf)}>
          {height > 0 && <Rows {...props} rows={composed.rows} open={open} paper={paper} />}
        </div>
      </div>
      <Scrollbar
        total={shelf.total}
        height={height}
        first={Math.max(1, reading.first)}
        inView={Math.max(1, Math.floor(height / ROW))}
        isAtEnd={reading.isFollowing}
        errors={landmarks.errors}
        hits={searching.hits.lines}
        label={trans.__('Place in the log')}
        onGo={line => (line === null ? reading.toEnd() : reading.go(line))}
      />
    </div>
  );
}

function aroundOf({ model, searching }: Log, looks: Looks): Shelf['around'] {
  const isSearching = searching.wanted.q !== '';
  return looks.context && model.choice.level !== null
    ? isSearching
      ? searching.hits.lines
      : 'chosen'
    : null;
}

function gutterStyle({ total }: Shelf): Record<string, string> {
  return { '--aiplat-log-digits': `${Math.max(3, String(total).length)}ch` };
}

type RowsProps = Props & {
  readonly rows: readonly Row[];
  readonly open: ReadonlySet<number>;
  readonly paper: Paper | null;
};

function Rows({ log, looks, actions, trans, rows, open, paper }: RowsProps): JSX.Element {
  const { model, reading, searching } = log;
  return (
    <>
      {rows.map(row => (
        <RowView
          key={`${row.kind} ${row.number}`}
          row={row}
          whole={model.wholeText(row.number)}
          isMarked={row.number === reading.mark}
          isHit={searching.hits.has(row.number)}
          isOpen={open.has(row.number)}
          hasTimes={looks.times}
          hasRanks={model.head?.stream === RANKS}
          find={searching.find}
          {...{ paper, actions, trans }}
        />
      ))}
    </>
  );
}

/** The colours of what is behind the text; null while colours are not wanted. */
function usePaper(root: HTMLElement | null, isWanted: boolean): Paper | null {
  const [paper, setPaper] = useState<Paper | null>(null);
  useEffect(() => {
    if (root === null) {
      return;
    }
    const read = (): void => setPaper(paperOf(root));
    read();
    return watchTheme(() => requestAnimationFrame(read));
  }, [root]);
  return isWanted ? paper : null;
}

/** What is in view: the row at the top, and whether nothing is above it. */
interface Top {
  readonly place: Place;
  readonly isStart: boolean;
}

/** Put the rows where the place says, and tell what came of it. */
function usePlacing(
  content: RefObject<HTMLDivElement>,
  composed: Composed,
  { log, looks }: Props,
  height: number
): { readonly current: Top } {
  const top = useRef<Top>({ place: { at: 'end' }, isStart: false });
  useLayoutEffect(() => {
    const node = content.current;
    if (node === null || height === 0 || composed.rows.length === 0) {
      return;
    }
    const { rows, hasStart, hasEnd } = composed;
    const tops = looks.wrap
      ? Array.from(node.children, child => (child as HTMLElement).offsetTop)
      : rows.map((_, i) => i * ROW);
    const full = looks.wrap ? node.offsetHeight : rows.length * ROW;
    const last = Math.max(0, full - height);
    const wanted =
      log.reading.place.at === 'end' ? last : (tops[composed.anchor] ?? full) + log.reading.place.dy;
    const y = Math.max(hasStart ? 0 : -Infinity, Math.min(hasEnd ? last : Infinity, wanted));
    node.style.transform = `translateY(${-y}px)`;
    const at = placeAt(rows, tops, y);
    top.current = { place: at, isStart: hasStart && y <= 0 };
    log.reading.settle(at, hasEnd && y >= last - 1);
  });
  return top;
}

function placeAt(rows: readonly Row[], tops: readonly number[], y: number): Place {
  let i = tops.findIndex(top => top > y) - 1;
  i = i === -2 ? rows.length - 1 : Math.max(0, i);
  const row = rows[i];
  return row === undefined ? { at: 'end' } : { at: 'line', number: row.number, dy: y - tops[i] };
}

/** Wheel and touch move the view, once for each frame; the answer does too. */
function useMoving(
  root: HTMLElement | null,
  top: { readonly current: Top },
  { reading }: Log,
  height: number
): (pixels: number) => void {
  const latest = useLatest(height);
  const by = useMemo(() => {
    let pending = 0;
    let frame = 0;
    const move = (): void => {
      frame = 0;
      const most = 2 * latest.current;
      reading.scroll(Math.max(-most, Math.min(most, pending)), top.current.place);
      pending = 0;
    };
    return (pixels: number): void => {
      pending += pixels;
      frame ||= requestAnimationFrame(move);
    };
  }, [reading, top, latest]);
  useEffect(
    () =>
      root === null
        ? undefined
        : listen(root, by, () => ({ up: top.current.isStart, down: reading.isFollowing })),
    [root, by, reading, top]
  );
  return by;
}

/** Where a step has to be left to the page around. */
interface Stuck {
  readonly up: boolean;
  readonly down: boolean;
}

function listen(root: HTMLElement, by: (pixels: number) => void, stuck: () => Stuck): () => void {
  let finger = 0;
  const life = new AbortController();
  const { signal } = life;
  const take = (event: Event, pixels: number): void => {
    const { up, down } = stuck();
    if (pixels !== 0 && !(pixels < 0 ? up : down)) {
      event.preventDefault();
      by(pixels);
    }
  };
  const onWheel = (event: WheelEvent): void => {
    const unit =
      event.deltaMode === WheelEvent.DOM_DELTA_LINE
        ? ROW
        : event.deltaMode === WheelEvent.DOM_DELTA_PAGE
          ? root.clientHeight
          : 1;
    if (!event.ctrlKey && Math.abs(event.deltaY) >= Math.abs(event.deltaX)) {
      take(event, event.deltaY * unit);
    }
  };
  // Selecting beyond the edge scrolls the element itself, which has nothing there: it is the view that moves.
  const onScroll = (): void => {
    if (root.scrollTop !== 0) {
      by(root.scrollTop);
      root.scrollTop = 0;
    }
  };
  root.addEventListener('wheel', onWheel, { passive: false, signal });
  root.addEventListener('scroll', onScroll, { signal });
  root.addEventListener('touchstart', event => (finger = event.touches[0].clientY), {
    signal,
    passive: true
  });
  root.addEventListener(
    'touchmove',
    event => {
      take(event, finger - event.touches[0].clientY);
      finger = event.touches[0].clientY;
    },
    { signal, passive: false }
  );
  return () => life.abort();
}

/** What is being selected stays where it is. */
function useHolding(root: HTMLElement | null, top: { readonly current: Top }, { reading }: Log): void {
  useEffect(() => {
    const hold = (): void => {
      const selection = document.getSelection();
      if (root && selection && !selection.isCollapsed && root.contains(selection.anchorNode)) {
        reading.hold(top.current.place);
      }
    };
    document.addEventListener('selectionchange', hold);
    return () => document.removeEventListener('selectionchange', hold);
  }, [root, top, reading]);
}
