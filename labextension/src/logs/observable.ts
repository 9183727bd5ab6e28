/** The smallest thing that components can follow. */

import { useSyncExternalStore } from 'react';

export class Observable {
  private readonly listeners = new Set<() => void>();
  private version = 0;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  readonly state = (): number => this.version;

  protected emit(): void {
    this.version += 1;
    [...this.listeners].forEach(listener => listener());
  }
}

/** Draw the component again when one of them changes. */
export function useChanges(one: Observable): void {
  useSyncExternalStore(one.subscribe, one.state);
}
