/**
 * An experiment's colour, the same in every door.
 *
 * Okabe–Ito's hues, moved until each has a contrast of at least 3:1 on white and on JupyterLab's dark panels (#212121)
 * alike, while the least distance between any two (CIE76, 16) is kept for normal sight, protanopia, deuteranopia and
 * tritanopia. The rule, which `aiplat_jupyter/widgets` follows too: the index is the sum of the character codes of the
 * uid, modulo eight; of the experiments in one chart, one whose colour another has already takes the next free one.
 */

export const PALETTE = [
  '#186cdd', // blue
  '#e47604', // orange
  '#1ba76b', // green
  '#d23eb0', // magenta
  '#8b6a3b', // brown
  '#3896e7', // sky
  '#a2943e', // olive
  '#898989' // grey
] as const;

/** Return the place of the experiment `uid` in the palette. */
export function colourIndex(uid: string): number {
  let sum = 0;
  for (let at = 0; at < uid.length; at++) {
    sum += uid.charCodeAt(at);
  }
  return sum % PALETTE.length;
}

/** Return the colour of the experiment `uid`. */
export function colourOf(uid: string): string {
  return PALETTE[colourIndex(uid)] ?? PALETTE[0];
}

/** Return the places in the palette of experiments that share a chart; up to eight of them differ. */
export function hues(uids: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  const taken = new Set<number>();
  for (const uid of new Set(uids)) {
    const own = colourIndex(uid);
    const free = PALETTE.map((_, step) => (own + step) % PALETTE.length).find(hue => !taken.has(hue));
    found.set(uid, free ?? own);
    taken.add(free ?? own);
  }
  return found;
}
