/** How a reader wants a log to look. */

export interface Looks {
  readonly wrap: boolean;
  readonly times: boolean;
  readonly colours: boolean;
  /** Lines around those that match, when others are hidden. */
  readonly context: boolean;
  /** Scroll to where the curves' crosshair is. */
  readonly curves: boolean;
}

export const DEFAULT_LOOKS: Looks = {
  wrap: false,
  times: false,
  colours: true,
  context: false,
  curves: false
};

/** What was saved; what it does not say is as by default. */
export function restoreLooks(saved: unknown): Looks {
  const given =
    typeof saved === 'object' && saved !== null ? (saved as Partial<Record<keyof Looks, unknown>>) : {};
  const pick = (name: keyof Looks): boolean =>
    typeof given[name] === 'boolean' ? given[name] : DEFAULT_LOOKS[name];
  return {
    wrap: pick('wrap'),
    times: pick('times'),
    colours: pick('colours'),
    context: pick('context'),
    curves: pick('curves')
  };
}
