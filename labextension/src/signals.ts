/** React components that follow signals and the clock. */

import type { ISignal } from '@lumino/signaling';
import { useLayoutEffect, useReducer, useSyncExternalStore } from 'react';

/** Draw the component again whenever one of `signals` is emitted, from the moment that it is drawn: not only once it is
 * painted, which may take long enough for the only answer to come before. */
export function useSignals(...signals: ISignal<unknown, unknown>[]): void {
  const [, redraw] = useReducer((times: number) => times + 1, 0);
  useLayoutEffect(() => {
    const slot = (): void => redraw();
    signals.forEach(signal => signal.connect(slot));
    return () => signals.forEach(signal => signal.disconnect(slot));
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the signals themselves are the dependencies
  }, signals);
}

const TICK = 1000;
const watchers = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  ticking ??= setInterval(() => watchers.forEach(tell => tell()), TICK);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
}

/** The time in whole steps of `step` seconds since 1970; the component is drawn again when it changes. */
export function useNow(step = 1): number {
  return useSyncExternalStore(watch, () => Math.floor(Date.now() / 1000 / step) * step);
}
