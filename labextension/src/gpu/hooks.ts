/** React hooks over the monitor. */

import { useEffect, useState } from 'react';

import { useNow, useSignals } from '../signals';
import type { GpuMonitor, Machine } from './monitor';
import type { MonitorState } from './words';

/** Samples that may be missing before what is shown counts as old; and seconds on top, for slow networks. */
const MISSED = 3;
const GRACE_S = 3;
/** Seconds between two questions about another agent. */
const ASKED_S = 10;
const BARE: readonly MonitorState[] = ['no_gpu', 'no_driver'];

/** All machines, kept current while `isShown`. */
export function useMachines(monitor: GpuMonitor, isShown: boolean): readonly Machine[] {
  useSignals(monitor.changed);
  useEffect(() => {
    if (isShown) {
      const watching = monitor.watchAll();
      return () => watching.dispose();
    }
  }, [monitor, isShown]);
  return monitor.machines;
}

/** The server's own machine, kept current unless it has no GPU: its host alone concerns nobody who does not ask. */
export function useOwnGpus(monitor: GpuMonitor): Machine {
  useSignals(monitor.changed);
  const [own] = monitor.machines;
  const isBare = own.status !== null && BARE.includes(own.status.state);
  useEffect(() => {
    if (!isBare) {
      const watching = monitor.watch();
      return () => watching.dispose();
    }
  }, [monitor, isBare]);
  return own;
}

/** A ref for an element, and whether it is to be seen: not in a sidebar or behind a tab that is hidden. */
export function useShown(): [(node: HTMLElement | null) => void, boolean] {
  const [node, setNode] = useState<HTMLElement | null>(null);
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (node !== null) {
      const observer = new IntersectionObserver(
        entries => setShown(entries.at(-1)?.isIntersecting === true),
        {
          rootMargin: '100000px'
        }
      );
      observer.observe(node);
      return () => observer.disconnect();
    }
  }, [node]);
  return [setNode, isShown];
}

/** Whether samples of `machine` have ceased to come. */
export function useIsOld(machine: Machine): boolean {
  useNow();
  const { status, heardAt } = machine;
  if (status === null || status.state === 'away') {
    return false;
  }
  const expected = machine.isOwn ? status.interval : Math.max(status.interval, ASKED_S);
  return performance.now() - heardAt > (MISSED * expected + GRACE_S) * 1000;
}

/** The wall clock, in seconds, when `machine` was last heard of. */
export function heardOf({ heardAt }: Machine): number {
  return (Date.now() - (performance.now() - heardAt)) / 1000;
}

/** Which of `keys` takes the keyboard's input, and how to move there. */
export function useRoving(
  keys: readonly string[]
): [active: string | null, setActive: (key: string) => void] {
  const [active, setActive] = useState<string | null>(null);
  const isThere = active !== null && keys.includes(active);
  return [isThere ? active : (keys[0] ?? null), setActive];
}
