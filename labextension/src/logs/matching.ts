/** Where in a line the words of a search are, for marking them. What matches at all, the server decides. */

export interface Wanted {
  readonly q: string;
  readonly regex: boolean;
  readonly case: boolean;
}

export type Span = readonly [from: number, to: number];

/** Longer texts are marked up to here. */
const MOST_CHARACTERS = 4000;
const MOST_MARKS = 200;
/** A browser's expressions backtrack: with several repetitions, only so much of a line is tried. */
const FEW_CHARACTERS = 300;

/** A function that finds what is to be marked in a text; null if that cannot be told here, or would take too long. */
export function finder({ q, regex, case: minds }: Wanted): ((text: string) => Span[]) | null {
  const reach = regex ? reachOf(q) : MOST_CHARACTERS;
  const pattern = regex ? q : q.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const expression = q === '' || reach === 0 ? null : compiled(pattern, minds ? 'g' : 'gi');
  return expression && (text => spans(expression, text.slice(0, reach)));
}

/** How many characters of a line can be tried with this expression in no time. */
function reachOf(q: string): number {
  const repeats = q.replace(/\\.|\[(?:\\.|[^\]])*\]/g, 'x').match(/[*+}]/g)?.length ?? 0;
  const isNested = /\)[*+{?]/.test(q) || /\\\d/.test(q);
  return isNested || repeats > 3 ? 0 : repeats > 1 ? FEW_CHARACTERS : MOST_CHARACTERS;
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
