/** What the server says would be right for a field, in the reader's language. */

/** A form of the server's words, and how to say what fits it. */
type Saying = readonly [RegExp, (...parts: string[]) => string];

/** Return it translated; what no saying fits stays in the server's words. */
export function inWords(right: string, sayings: readonly Saying[]): string {
  for (const [pattern, say] of sayings) {
    const found = pattern.exec(right);
    if (found !== null) {
      return say(...found.slice(1));
    }
  }
  return right;
}
