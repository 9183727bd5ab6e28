/** How each curve of a chart is stroked: its experiment's colour, told apart by dashes, grey where there are too many. */

import { hues, PALETTE } from '../colour';
import type { Curve } from '../records';
import { curveKey } from './curves';

export interface Stroke {
  /** Null: the theme's grey. */
  readonly colour: string | null;
  /** In CSS pixels; empty is solid. */
  readonly dash: readonly number[];
  readonly width: number;
}

export const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [10, 4, 2, 4]];
const MOST_COLOURED = 16;
const WIDTH = 1.5;
const WIDE = 2.5;

/** The strokes of `curves` by key. Curves in `emphasised` (hovered, best) keep their colour among more than sixteen. */
export function strokes(
  curves: readonly Pick<Curve, 'experiment' | 'metric' | 'context'>[],
  emphasised: ReadonlySet<string>
): Map<string, Stroke> {
  const taken = new Array<number>(PALETTE.length).fill(0);
  const crowded = curves.length > MOST_COLOURED;
  const hueOf = hues(curves.map(curve => curve.experiment));
  return new Map(
    curves.map(curve => {
      const key = curveKey(curve);
      const hue = hueOf.get(curve.experiment) ?? 0;
      const dash = DASHES[taken[hue]++ % DASHES.length];
      const stands = emphasised.has(key);
      const colour = crowded && !stands ? null : PALETTE[hue];
      return [key, { colour, dash, width: crowded && stands ? WIDE : WIDTH }];
    })
  );
}

/** Key of the curve with the lowest value, the one that is best where lower is better; null without values. */
export function lowest(curves: readonly Curve[]): string | null {
  let best: Curve | null = null;
  for (const curve of curves) {
    const least = curve.summary.min;
    if (least !== null && (best === null || least < (best.summary.min ?? Infinity))) {
      best = curve;
    }
  }
  return best && curveKey(best);
}
