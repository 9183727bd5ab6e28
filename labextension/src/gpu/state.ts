/** What the page remembers when Lab restores its layout. */

import type { JSONObject } from '@lumino/coreutils';

/** Seconds that the charts reach back. */
export const SPANS = [900, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400] as const;
export type Span = (typeof SPANS)[number];

export interface PageState {
  /** Uid of the agent whose machine is shown; null: all machines, side by side. */
  readonly agent: string | null;
  readonly span: Span;
}

export const DEFAULT_STATE: PageState = { agent: null, span: 3600 };

/** The state that was saved; what makes no sense is left at its default. */
export function restoreState(saved: unknown): PageState {
  const given = (typeof saved === 'object' && saved !== null ? saved : {}) as Partial<
    Record<keyof PageState, unknown>
  >;
  return {
    agent: typeof given.agent === 'string' ? given.agent : DEFAULT_STATE.agent,
    span: SPANS.find(span => span === given.span) ?? DEFAULT_STATE.span
  };
}

/** `state` as JSON, for Lab to keep. */
export function savedState({ agent, span }: PageState): JSONObject {
  return { agent, span };
}
