/** Colours that can be read on what is behind them, in either theme. */

import type { Colour, Look, Rgb } from './ansi';

/** WCAG 2.2, 1.4.3; a little more, for rows that are tinted. */
export const LEAST_CONTRAST = 5;

/** The sixteen colours of terminals: hues, made readable where they are used. */
const SIXTEEN: readonly Rgb[] = [
  [0, 0, 0],
  [205, 49, 49],
  [13, 128, 63],
  [148, 116, 0],
  [36, 114, 200],
  [170, 50, 170],
  [17, 125, 150],
  [200, 200, 200],
  [102, 102, 102],
  [241, 76, 76],
  [35, 160, 90],
  [200, 160, 20],
  [59, 142, 234],
  [214, 112, 214],
  [41, 160, 190],
  [255, 255, 255]
];

export interface Paper {
  readonly back: Rgb;
  readonly fore: Rgb;
}

/** The colours in which text with this look is drawn; undefined: those of the paper. */
export function inkOf(look: Look, paper: Paper): { fore?: Rgb; back?: Rgb } {
  const fore = look.fore === undefined ? undefined : rgbOf(look.fore);
  const back = look.back === undefined ? undefined : rgbOf(look.back);
  if (look.isInverse === true) {
    return inverse(fore, back, paper);
  }
  if (back !== undefined) {
    return { back, fore: readable(fore ?? paper.fore, back) };
  }
  return { fore: fore && readable(fore, paper.back) };
}

function inverse(fore: Rgb | undefined, back: Rgb | undefined, paper: Paper): { fore: Rgb; back: Rgb } {
  const behind = fore ?? paper.fore;
  return { back: behind, fore: readable(back ?? paper.back, behind) };
}

function rgbOf(colour: Colour): Rgb {
  return typeof colour === 'number' ? SIXTEEN[colour] : colour;
}

/** Relative luminance, WCAG 2.2. */
function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map(part => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** From 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** `fore`, moved towards black or white (whichever is further from `back`) as far as reading it needs. */
export function readable(fore: Rgb, back: Rgb): Rgb {
  const goal: Rgb = contrast([0, 0, 0], back) > contrast([255, 255, 255], back) ? [0, 0, 0] : [255, 255, 255];
  const least = Math.min(LEAST_CONTRAST, contrast(goal, back));
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = mix(fore, goal, share);
    if (contrast(mixed, back) >= least) {
      return mixed;
    }
  }
  return goal;
}

function mix(one: Rgb, other: Rgb, share: number): Rgb {
  const part = (i: number): number => Math.round(one[i] + (other[i] - one[i]) * share);
  return [part(0), part(1), part(2)];
}

/** The colours of an element; `rgb(…)` is what browsers compute. */
export function paperOf(element: Element): Paper {
  const style = getComputedStyle(element);
  return { back: parse(style.backgroundColor, [255, 255, 255]), fore: parse(style.color, [0, 0, 0]) };
}

function parse(text: string, otherwise: Rgb): Rgb {
  const [r, g, b, alpha] = (text.match(/[\d.]+/g) ?? []).map(Number);
  return text.startsWith('rgb') && b !== undefined && alpha !== 0 ? [r, g, b] : otherwise;
}
