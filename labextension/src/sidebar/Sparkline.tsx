/** A curve as small as a word. */

import type { JSX } from 'react';

import { colourOf } from '../colour';
import type { Columns, Curve } from '../records';

const WIDTH = 40;
const HEIGHT = 14;
const EDGE = 1.5;

/** Draw the means of the buckets; where there is no finite value the line is broken. */
export function Sparkline({ curve }: { curve: Curve }): JSX.Element {
  return (
    <svg
      className="aiplat-Sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path d={outline(curve.columns)} stroke={colourOf(curve.experiment)} />
    </svg>
  );
}

/** Return the SVG path; a single point becomes a short level line. */
export function outline({ x, mean }: Pick<Columns, 'x' | 'mean'>): string {
  const finite = mean.filter(value => value !== null);
  const scaleX = scale(x, EDGE, WIDTH - EDGE);
  const scaleY = scale(finite, HEIGHT - EDGE, EDGE);
  let isBroken = true;
  return x
    .map((at, index) => {
      const value = mean[index] ?? null;
      const verb = isBroken ? 'M' : 'L';
      isBroken = value === null;
      return value === null
        ? ''
        : `${verb}${round(scaleX(at))} ${round(scaleY(value))}${x.length === 1 ? 'h4' : ''}`;
    })
    .join('');
}

function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const low = Math.min(...values);
  const high = Math.max(...values);
  return high > low ? value => from + ((value - low) / (high - low)) * (to - from) : () => (from + to) / 2;
}

function round(value: number): string {
  return value.toFixed(1);
}
