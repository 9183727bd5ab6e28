import { describe, expect, it } from 'vitest';

import type { Curve } from '../../records';
import { curve, points } from '../../testing/curves';
import { paint, type Scene } from '../paint';
import { strokes } from '../stroke';

interface Mark {
  readonly deed: string;
  readonly alpha: number;
  readonly dashed: boolean;
  readonly path: readonly (readonly [number, number])[];
}

/** A canvas that remembers what was stroked, filled and written. */
class Recorder {
  readonly marks: Mark[] = [];
  globalAlpha = 1;
  private dash: number[] = [];
  private path: [number, number][] = [];
  private readonly saved: { alpha: number; dash: number[] }[] = [];

  save = (): void => void this.saved.push({ alpha: this.globalAlpha, dash: this.dash });
  restore = (): void => {
    const { alpha, dash } = this.saved.pop() ?? { alpha: 1, dash: [] };
    this.globalAlpha = alpha;
    this.dash = dash;
  };
  setLineDash = (dash: number[]): void => void (this.dash = dash);
  beginPath = (): void => void (this.path = []);
  moveTo = (x: number, y: number): void => void this.path.push([x, y]);
  lineTo = this.moveTo;
  arc = (x: number, y: number): void => void this.path.push([x, y]);
  rect = (): void => undefined;
  clip = (): void => undefined;
  stroke = (): void => this.note('stroke');
  fill = (): void => this.note('fill');
  fillRect = (x: number, y: number): void => void this.marks.push({ ...this.look('rect'), path: [[x, y]] });
  fillText = (text: string, x: number, y: number): void =>
    void this.marks.push({ ...this.look(`text ${text}`), path: [[x, y]] });

  private look(deed: string): Mark {
    return { deed, alpha: this.globalAlpha, dashed: this.dash.length > 0, path: [] };
  }

  private note(deed: string): void {
    if (this.path.length > 0) {
      this.marks.push({ ...this.look(deed), path: this.path });
    }
  }
}

const AREA = { left: 0, top: 0, width: 100, height: 100, ratio: 1 };
const THEME = {
  ink: '#000',
  grid: '#eee',
  grey: '#bbb',
  paper: '#fff',
  warn: '#f80',
  font: '11px sans-serif'
};

function painted(curves: readonly Curve[], change: Partial<Scene> = {}): Mark[] {
  const recorder = new Recorder();
  const axis = { range: [0, 10] as const, log: false };
  const scene = {
    curves,
    strokes: strokes(curves, new Set()),
    x: axis,
    y: axis,
    band: true,
    outliers: false,
    ends: true,
    theme: THEME
  };
  paint(recorder as unknown as CanvasRenderingContext2D, AREA, { ...scene, ...change });
  return recorder.marks;
}

const of = (marks: readonly Mark[], deed: string): Mark[] => marks.filter(mark => mark.deed === deed);

describe('paint', () => {
  it('draws single points as one line, with the newest value at its end', () => {
    const marks = painted([curve(points([0, 0], [5, 5], [10, 10]))]);
    expect(marks).toEqual([
      {
        deed: 'stroke',
        alpha: 1,
        dashed: false,
        path: [
          [0, 100],
          [50, 50],
          [100, 0]
        ]
      },
      { deed: 'text 10', alpha: 1, dashed: false, path: [[105, 0]] }
    ]);
  });

  it('draws the raw line faint under the smoothed one', () => {
    const smooth = { ...points([0, 2], [10, 4]), smooth: [2, 3] };
    const lines = of(painted([curve(smooth)]), 'stroke');
    expect(lines.map(({ alpha }) => alpha)).toEqual([0.25, 1]);
    expect(lines[1].path).toEqual([
      [0, 80],
      [100, 70]
    ]);
  });

  it('draws a band of 15 % where places hold more than one point, if it is wanted', () => {
    const buckets = curve(
      { ...points([0, 2], [10, 4]), min: [1, 3], max: [3, 9], count: [5, 5] },
      { raw: false }
    );
    const [band] = of(painted([buckets]), 'fill');
    expect(band).toMatchObject({
      alpha: 0.15,
      path: [
        [0, 70],
        [100, 10],
        [100, 70],
        [0, 90]
      ]
    });
    expect(of(painted([buckets], { band: false }), 'fill')).toEqual([]);
  });

  it('breaks the line at NaN, marks it on the axis, and shows a lonely point', () => {
    const marks = painted([curve(points([0, 1], [5, null], [10, 3]))]);
    const [line, ring] = of(marks, 'stroke');
    expect(line.path.length).toBe(4);
    expect(ring.path).toEqual([[50, 100]]);
  });

  it('marks infinite points at the edges', () => {
    const columns = { ...points([2, null], [8, null]), nan: [], posinf: [1, 0], neginf: [0, 1] };
    const tips = of(painted([curve(columns)]), 'fill').map(({ path }) => path[0]);
    expect(tips).toEqual([
      [20, 0],
      [80, 100]
    ]);
  });

  it('draws what a later attempt left behind faint and dashed', () => {
    const columns = points([6, 5], [8, 7]);
    const [tail] = painted([curve(points([0, 1]), { abandoned: [{ attempt: 'x', columns }] })]);
    expect(tail).toMatchObject({
      deed: 'stroke',
      alpha: 0.35,
      dashed: true,
      path: [
        [60, 50],
        [80, 30]
      ]
    });
  });

  it('marks what is cut off', () => {
    const marks = painted([curve(points([0, 5], [5, 99], [10, -7]))], { outliers: true });
    expect(of(marks, 'rect').map(({ path }) => path[0])).toEqual([
      [49, 0],
      [99, 95]
    ]);
  });

  it('leaves what a log axis cannot show out of the line', () => {
    const y = { range: [1, 100] as const, log: true };
    const [line] = of(painted([curve(points([0, 10], [3, -1], [6, 10], [9, 100]))], { y }), 'stroke');
    expect(line.path.map(([, place]) => Math.round(place))).toEqual([50, 50, 50, 0]);
  });

  it('keeps labels of neighbouring ends apart, and of distant ones in place', () => {
    const curves = [
      curve(points([0, 5], [10, 5])),
      curve(points([0, 5], [10, 5.1]), { experiment: 'b' }),
      curve(points([0, 5], [2, 5]), { experiment: 'c' })
    ];
    const places = painted(curves)
      .filter(({ deed }) => deed.startsWith('text'))
      .map(({ path }) => path[0][1]);
    expect(places[0]).toBe(50);
    expect(Math.abs(places[2] - places[1])).toBeGreaterThanOrEqual(13);
  });
});
