/** Where in a line the words of a search are, for marking them. What matches at all, the server decides. */

export interface Wanted {
  readonly q: string;
  readonly regex: boolean;
  readonly case: boolean;
}

export type Span = readonly [from: number, to: number];

const MOST_MARKS = 200;
/**
 * Of longer texts so many characters are marked. A browser's expressions backtrack: the more repetitions they have, the
 * less of a line can be tried in no time.
 */
const MOST_CHARACTERS = 4000;
const REPEATING = [MOST_CHARACTERS, 1000, 150];

/** A function that finds what is to be marked in a text; null if that cannot be told here, or would take too long. */
export function finder({ q, regex, case: minds }: Wanted): ((text: string) => Span[]) | null {
  const reach = regex ? reachOf(q) : MOST_CHARACTERS;
  const pattern = regex ? q : q.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const expression = q === '' || reach === 0 ? null : compiled(pattern, minds ? 'g' : 'gi');
  return expression && (text => spans(expression, text.slice(0, reach)));
}

function reachOf(q: string): number {
  const repeats = q.replace(/\\.|\[(?:\\.|[^\]])*\]/g, 'x').match(/[*+?}]/g)?.length ?? 0;
  const isNested = /\)[*+{?]/.test(q) || /\\\d/.test(q);
  return isNested ? 0 : (REPEATING[repeats] ?? 0);
}

function compiled(pattern: string, flags: string): RegExp | null {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return null;
  }
}

function spans(expression: RegExp, text: string): Span[] {
  const found: Span[] = [];
  for (const match of text.matchAll(expression)) {
    if (match[0] !== '') {
      found.push([match.index, match.index + match[0].length]);
    }
    if (found.length >= MOST_MARKS) {
      break;
    }
  }
  return found;
}
