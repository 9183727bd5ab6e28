/** Which metrics a page shows, in which order and under which heads. */

import type { SeriesSummary } from '../records';

/** So many charts are shown without being asked for. */
const MOST_BY_ITSELF = 24;
const SOME_BY_ITSELF = 12;

export interface Group {
  /** What stands before the first `/`; empty for metrics without one. */
  readonly prefix: string;
  readonly metrics: readonly string[];
}

/** Names of all metrics: `headline` first, then those like a loss, then by name, and `epoch`, which is an axis, last. */
export function inOrder(summaries: readonly SeriesSummary[], headline: string | null): string[] {
  const names = [...new Set(summaries.map(({ metric }) => metric))];
  const rank = (name: string): number => {
    if (name === headline) {
      return 0;
    }
    return name === 'epoch' ? 3 : /(^|[/_.])loss/i.test(name) ? 1 : 2;
  };
  return names.sort(
    (one, other) => rank(one) - rank(other) || one.localeCompare(other, undefined, { numeric: true })
  );
}

/** The metrics to draw: those that were `chosen`, or by itself all or, of many, the first; `epoch`, which is an axis, only alone. */
export function toDraw(names: readonly string[], chosen: readonly string[] | null): string[] {
  if (chosen) {
    const known = new Set(names);
    return chosen.filter(name => known.has(name));
  }
  const values = names.filter(name => name !== 'epoch');
  const usual = values.length > 0 ? values : names;
  return usual.length <= MOST_BY_ITSELF ? [...usual] : usual.slice(0, SOME_BY_ITSELF);
}

/** `names` by what stands before their first `/`, in the order of first appearance, those without one first. */
export function grouped(names: readonly string[]): Group[] {
  const groups = new Map<string, string[]>([['', []]]);
  for (const name of names) {
    const prefix = name.includes('/') ? name.slice(0, name.indexOf('/')) : '';
    groups.set(prefix, [...(groups.get(prefix) ?? []), name]);
  }
  return [...groups]
    .filter(([, metrics]) => metrics.length > 0)
    .map(([prefix, metrics]) => ({ prefix, metrics }));
}

/** The names that hold all words of `filter`. */
export function matching(names: readonly string[], filter: string): string[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return names.filter(name => words.every(word => name.toLowerCase().includes(word)));
}
