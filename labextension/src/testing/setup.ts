/** What browsers have and jsdom lacks. */

import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

/** Everything is in view at once. */
class EverythingInView {
  constructor(private readonly callback: (entries: { isIntersecting: boolean }[]) => void) {}

  observe(): void {
    this.callback([{ isIntersecting: true }]);
  }

  disconnect(): void {
    return;
  }
}

/** Nothing has a size. */
class NoSize {
  observe(): void {
    return;
  }

  disconnect(): void {
    return;
  }
}

function addWhatJsdomLacks(): void {
  Object.assign(globalThis, {
    IntersectionObserver: EverythingInView,
    ResizeObserver: NoSize,
    requestIdleCallback: (act: () => void) => setTimeout(act, 0),
    DragEvent: class extends MouseEvent {},
    matchMedia: () => ({
      matches: false,
      addEventListener: () => undefined,
      removeEventListener: () => undefined
    })
  });
}

if (typeof window !== 'undefined') {
  addWhatJsdomLacks();
}

// What is waited for comes at once on an idle machine: the limit is for busy ones.
configure({ asyncUtilTimeout: 8000 });

afterEach(() => cleanup());
