/** Nested values (config, summary, provenance) as rows of text. */

import { significant } from '../format';

export interface Entry {
  /** `optimizer.lr`. */
  readonly key: string;
  /** How people read the key, where that is not itself. */
  readonly label?: string;
  readonly text: string;
  readonly isNumber: boolean;
}

const DEEPEST = 8;

/** The leaves of `values`; lists are leaves. */
export function entries(values: Readonly<Record<string, unknown>>, prefix = '', depth = 0): Entry[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const key = prefix + name;
    if (isBranch(value) && depth < DEEPEST) {
      return entries(value, `${key}.`, depth + 1);
    }
    return [{ key, text: textOf(value), isNumber: typeof value === 'number' }];
  });
}

function isBranch(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
  );
}

function textOf(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  if (typeof value === 'number') {
    return Number.isInteger(value) ? String(value) : significant(value);
  }
  return JSON.stringify(value);
}

/** The entries whose key or text holds all words of `filter`. */
export function filtered(all: readonly Entry[], filter: string): Entry[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter(({ key, text }) => {
    const haystack = `${key} ${text}`.toLowerCase();
    return words.every(word => haystack.includes(word));
  });
}
