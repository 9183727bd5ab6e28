/** React hooks over the moving parts of a chart. */

import type { ISignal } from '@lumino/signaling';
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore
} from 'react';

import type { Curve } from '../records';
import type { Services } from '../services';
import { CurveFeed, type FeedState } from './feed';
import type { Size } from './plot';
import { curveKey, xExtent, type Range } from './curves';
import type { Linked } from './linked';
import { lowest, strokes as strokesOf } from './stroke';
import { queryOf, type ChartView, type Subject, type XKind } from './view';

/** The value that `read` gives now, and after each emission of `signal`. `read` answers the same object until then. */
export function useSignal<S, T>(signal: ISignal<S, unknown>, read: () => T): T {
  const subscribe = useCallback(
    (notify: () => void) => {
      signal.connect(notify);
      return () => {
        signal.disconnect(notify);
      };
    },
    [signal]
  );
  return useSyncExternalStore(subscribe, read);
}

/** A ref for an element, and its size; null before it is laid out. */
export function useSize(): [(node: HTMLElement | null) => void, Size | null] {
  const [node, setNode] = useState<HTMLElement | null>(null);
  const [size, setSize] = useState<Size | null>(null);
  useEffect(() => {
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      if (width > 0 && height > 0) {
        setSize({ width: Math.floor(width), height: Math.floor(height) });
      }
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, [node]);
  return [setNode, size];
}

/** A ref for an element, and whether it is (nearly) in view. */
export function useInView(): [(node: HTMLElement | null) => void, boolean] {
  const [node, setNode] = useState<HTMLElement | null>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (!node) {
      return;
    }
    const observer = new IntersectionObserver(
      entries => setSeen(entries[entries.length - 1].isIntersecting),
      {
        rootMargin: '200px'
      }
    );
    observer.observe(node);
    return () => observer.disconnect();
  }, [node]);
  return [setNode, isSeen];
}

/** `value`, once it has been true for `delay` ms; false at once. */
export function useLasting(value: boolean, delay: number): boolean {
  const [lasts, setLasts] = useState(false);
  useEffect(() => {
    if (!value) {
      setLasts(false);
      return;
    }
    const timer = setTimeout(() => setLasts(true), delay);
    return () => clearTimeout(timer);
  }, [value, delay]);
  return lasts && value;
}

/** The answer stays in step with what is rendered, for handlers that outlive a rendering. */
export function useLatest<T>(value: T): { readonly current: T } {
  const ref = useRef(value);
  useEffect(() => {
    ref.current = value;
  });
  return ref;
}

/** Requests change in steps of so many pixels, so that dragging a splitter does not ask anew all the way. */
const PIXEL_STEP = 50;

const NOTHING: FeedState = { curves: null, query: null, asking: true, error: null, currentAt: null };

/** The curves of `subject` as the server has them, current while `isSeen`. `width`: CSS pixels; null: not known yet. */
export function useFeed(
  services: Pick<Services, 'api' | 'events'>,
  subject: Subject,
  view: ChartView,
  range: Range | null,
  width: number | null,
  isSeen: boolean
): FeedState & { retry: () => void } {
  const { api, events } = services;
  const [feed, setFeed] = useState<CurveFeed | null>(null);
  const [state, setState] = useState<FeedState>(NOTHING);
  useEffect(() => {
    const made = new CurveFeed((query, signal) => api.curves(query, signal));
    made.changed.connect((_, news) => setState(news));
    setFeed(made);
    return () => made.dispose();
  }, [api]);

  const pixels = width === null ? null : Math.floor((width * devicePixelRatio) / PIXEL_STEP) * PIXEL_STEP;
  const question = pixels === null ? null : JSON.stringify(queryOf(subject, view, range, pixels));
  useEffect(() => feed?.pause(!isSeen), [feed, isSeen]);
  useEffect(() => {
    if (question !== null) {
      feed?.show(JSON.parse(question) as ReturnType<typeof queryOf>);
    }
  }, [feed, question]);

  const topics = JSON.stringify(subject.experiments.map(uid => `experiment:${uid}`));
  useEffect(() => {
    const following = events.follow(JSON.parse(topics) as string[], () => feed?.touch());
    return () => following.dispose();
  }, [events, feed, topics]);
  return { ...state, retry: () => feed?.retry() };
}

/** Tell the linked charts how far this one reaches. */
export function useReport(
  linked: Linked,
  chart: string,
  kind: XKind,
  curves: readonly Curve[],
  isLog: boolean
): void {
  const extent = useMemo(() => xExtent(curves, isLog), [curves, isLog]);
  useLayoutEffect(() => linked.report(chart, kind, extent), [linked, chart, kind, extent]);
  useEffect(() => () => linked.leave(chart), [linked, chart]);
}

/** Which curves the reader has hidden or points at, and how they are drawn therefore. */
export function useLegend(curves: readonly Curve[]) {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [hovered, setHovered] = useState<string | null>(null);
  const strokes = useMemo(() => {
    const best = lowest(curves);
    return strokesOf(curves, new Set([hovered, best].filter(key => key !== null)));
  }, [curves, hovered]);
  const shown = useMemo(
    () =>
      inFront(
        curves.filter(curve => !hidden.has(curveKey(curve))),
        hovered
      ),
    [curves, hidden, hovered]
  );
  return { strokes, shown, hidden, setHidden, setHovered };
}

/** The hovered curve last, so that it is drawn over the others. */
function inFront(curves: readonly Curve[], hovered: string | null): readonly Curve[] {
  const isHovered = (curve: Curve): boolean => curveKey(curve) === hovered;
  return hovered === null ? curves : [...curves.filter(one => !isHovered(one)), ...curves.filter(isHovered)];
}
