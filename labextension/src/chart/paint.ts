/** Draws curves on a canvas, in device pixels. */

import { significant } from '../format';
import type { Columns, Curve } from '../records';
import { curveKey, type Range } from './curves';
import { visible } from './ranges';
import type { Stroke } from './stroke';
import type { Theme } from './theme';

/** The plotting area, in device pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Device pixels per CSS pixel. */
  readonly ratio: number;
}

export interface Axis {
  readonly range: Range;
  readonly log: boolean;
}

/** What lies behind the curves: values that mean something, and stretches of x in which something was so. */
export interface Backdrop {
  readonly levels: readonly { readonly value: number; readonly colour: string }[];
  readonly spans: readonly { readonly range: Range; readonly colour: string }[];
}

export interface Scene {
  readonly curves: readonly Curve[];
  readonly strokes: ReadonlyMap<string, Stroke>;
  readonly x: Axis;
  readonly y: Axis;
  readonly band: boolean;
  readonly outliers: boolean;
  readonly backdrop?: Backdrop;
  /** The newest value stands at the end of each line. */
  readonly ends: boolean;
  readonly theme: Theme;
}

type Map1 = (value: number) => number;

interface Canvas extends Area {
  readonly ctx: CanvasRenderingContext2D;
  readonly scene: Scene;
  readonly toX: Map1;
  readonly toY: Map1;
}

const RAW_ALPHA = 0.25;
const BAND_ALPHA = 0.15;
const ABANDONED_ALPHA = 0.35;
const ABANDONED_DASH = [4, 3];
const LEVEL_DASH = [6, 4];
/** A moment is as wide as this, in CSS pixels. */
const LEAST_SPAN = 2;
const MARK = 3.5;
const MOST_LABELS = 8;
const LABEL_HEIGHT = 13;
const LABEL_WIDTH = 50;

/** Paint `scene` into `area`. */
export function paint(ctx: CanvasRenderingContext2D, area: Area, scene: Scene): void {
  const canvas: Canvas = {
    ...area,
    ctx,
    scene,
    toX: mapper(scene.x, area.left, area.width),
    toY: mapper(scene.y, area.top + area.height, -area.height)
  };
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left, area.top, area.width, area.height);
  ctx.clip();
  ctx.lineJoin = 'round';
  paintBackdrop(canvas);
  for (const curve of scene.curves) {
    paintAbandoned(canvas, curve);
  }
  for (const curve of scene.curves) {
    paintCurve(canvas, curve);
  }
  ctx.restore();
  paintMarks(canvas);
  if (scene.ends) {
    paintEndLabels(canvas);
  }
}

/** A function from values to device pixels; what has no place on a log axis becomes NaN. */
export function mapper({ range: [low, high], log }: Axis, from: number, length: number): Map1 {
  if (log) {
    const [logLow, span] = [Math.log(low), Math.log(high / low)];
    return value => (value > 0 ? from + ((Math.log(value) - logLow) / span) * length : NaN);
  }
  return value => from + ((value - low) / (high - low)) * length;
}

function paintBackdrop(canvas: Canvas): void {
  const { ctx, left, top, width, height, ratio, toX, toY, scene } = canvas;
  for (const { range, colour } of scene.backdrop?.spans ?? []) {
    const [from, to] = range.map(toX);
    ctx.globalAlpha = BAND_ALPHA;
    ctx.fillStyle = colour;
    ctx.fillRect(from, top, Math.max(to - from, LEAST_SPAN * ratio), height);
  }
  ctx.globalAlpha = 1;
  ctx.lineWidth = ratio;
  ctx.setLineDash(LEVEL_DASH.map(length => length * ratio));
  for (const { value, colour } of scene.backdrop?.levels ?? []) {
    ctx.strokeStyle = colour;
    ctx.beginPath();
    ctx.moveTo(left, toY(value));
    ctx.lineTo(left + width, toY(value));
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

function colourOf(canvas: Canvas, curve: Curve): string {
  return canvas.scene.strokes.get(curveKey(curve))?.colour ?? canvas.scene.theme.grey;
}

function paintAbandoned(canvas: Canvas, curve: Curve): void {
  const { ctx, ratio } = canvas;
  ctx.globalAlpha = ABANDONED_ALPHA;
  ctx.strokeStyle = colourOf(canvas, curve);
  ctx.lineWidth = ratio * 1.5;
  ctx.setLineDash(ABANDONED_DASH.map(length => length * ratio));
  for (const { columns } of curve.abandoned) {
    strokeLine(canvas, columns, columns.mean);
  }
}

function paintCurve(canvas: Canvas, curve: Curve): void {
  const { ctx, ratio, scene } = canvas;
  const { columns } = curve;
  const stroke = scene.strokes.get(curveKey(curve));
  const isSmooth = columns.smooth.length > 0;
  ctx.strokeStyle = ctx.fillStyle = colourOf(canvas, curve);
  if (scene.band && !curve.raw) {
    ctx.globalAlpha = BAND_ALPHA;
    fillBand(canvas, columns);
  }
  ctx.setLineDash((stroke?.dash ?? []).map(length => length * ratio));
  ctx.lineWidth = (stroke?.width ?? 1.5) * ratio;
  ctx.globalAlpha = isSmooth ? RAW_ALPHA : 1;
  strokeLine(canvas, columns, columns.mean);
  if (isSmooth) {
    ctx.globalAlpha = 1;
    strokeLine(canvas, columns, columns.smooth);
  }
}

/** A line through `values`, broken where there is none; a value without neighbours becomes a dot. */
function strokeLine(canvas: Canvas, columns: Columns, values: readonly (number | null)[]): void {
  const { ctx, toX, toY, ratio, scene } = canvas;
  const xs = columns.x;
  const [from, to] = visible(columns, scene.x.range);
  const at = (i: number): number => {
    const value = i >= from && i < to ? values[i] : null;
    return value === null ? NaN : toY(value);
  };
  ctx.beginPath();
  let isDown = false;
  for (let i = from; i < to; i++) {
    const y = at(i);
    if (Number.isNaN(y)) {
      isDown = false;
      continue;
    }
    const x = toX(xs[i]);
    if (isDown) {
      ctx.lineTo(x, y);
    } else if (Number.isNaN(at(i + 1))) {
      ctx.moveTo(x + ratio, y);
      ctx.arc(x, y, ratio, 0, 2 * Math.PI);
    } else {
      ctx.moveTo(x, y);
    }
    isDown = true;
  }
  ctx.stroke();
}

function fillBand(canvas: Canvas, columns: Columns): void {
  const { toX, scene } = canvas;
  const xs = columns.x;
  const [from, to] = visible(columns, scene.x.range);
  let start = from;
  for (let i = from; i <= to; i++) {
    if (i === to || columns.min[i] === null) {
      fillRun(canvas, columns, start, i);
      start = i + 1;
    } else if (Number.isNaN(toX(xs[i]))) {
      start = i + 1;
    }
  }
}

/** The area between the smallest and largest values of the buckets [from, to). */
function fillRun(canvas: Canvas, columns: Columns, from: number, to: number): void {
  const { ctx, toX, top, height } = canvas;
  if (to - from < 2) {
    return;
  }
  const xs = columns.x;
  const toY = (value: number | null): number => {
    const y = canvas.toY(value ?? NaN);
    return Number.isNaN(y) ? top + height : y;
  };
  ctx.beginPath();
  for (let i = from; i < to; i++) {
    ctx.lineTo(toX(xs[i]), toY(columns.max[i]));
  }
  for (let i = to - 1; i >= from; i--) {
    ctx.lineTo(toX(xs[i]), toY(columns.min[i]));
  }
  ctx.fill();
}

/** Hollow rings on the x axis for NaN, arrow heads at the edges for ±∞, short ticks for what is clipped. */
function paintMarks(canvas: Canvas): void {
  const { ctx, top, height, ratio } = canvas;
  ctx.save();
  ctx.lineWidth = 1.25 * ratio;
  for (const curve of canvas.scene.curves) {
    ctx.strokeStyle = ctx.fillStyle = colourOf(canvas, curve);
    const { columns } = curve;
    eachMark(canvas, columns, columns.nan, x =>
      ring(ctx, x, top + height, MARK * ratio, canvas.scene.theme.paper)
    );
    eachMark(canvas, columns, columns.posinf, x => arrow(ctx, x, top, MARK * ratio));
    eachMark(canvas, columns, columns.neginf, x => arrow(ctx, x, top + height, -MARK * ratio));
    if (canvas.scene.outliers) {
      paintClipped(canvas, columns);
    }
  }
  ctx.restore();
}

/** Call `draw` with the place of each bucket that counts something, leaving out those that would overlap. */
function eachMark(
  canvas: Canvas,
  columns: Columns,
  counts: readonly number[],
  draw: (x: number) => void
): void {
  const xs = columns.x;
  const [from, to] = counts.length > 0 ? visible(columns, canvas.scene.x.range) : [0, 0];
  let last = -Infinity;
  for (let i = from; i < to; i++) {
    const x = counts[i] > 0 ? canvas.toX(xs[i]) : NaN;
    if (x >= canvas.left - 1 && x <= canvas.left + canvas.width + 1 && x - last >= MARK * canvas.ratio) {
      draw(x);
      last = x;
    }
  }
}

function paintClipped(canvas: Canvas, columns: Columns): void {
  const { ctx, top, height, ratio, scene } = canvas;
  const [low, high] = scene.y.range;
  const above = columns.max.map(value => (value !== null && value > high ? 1 : 0));
  const below = columns.min.map(value => (value !== null && value < low ? 1 : 0));
  ctx.fillStyle = scene.theme.warn;
  eachMark(canvas, columns, above, x => ctx.fillRect(x - ratio, top, 2 * ratio, 5 * ratio));
  eachMark(canvas, columns, below, x =>
    ctx.fillRect(x - ratio, top + height - 5 * ratio, 2 * ratio, 5 * ratio)
  );
}

function ring(ctx: CanvasRenderingContext2D, x: number, y: number, radius: number, fill: string): void {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  const colour = ctx.fillStyle;
  ctx.fillStyle = fill;
  ctx.fill();
  ctx.fillStyle = colour;
  ctx.stroke();
}

/** A triangle with its tip at (x, y), pointing up for positive sizes. */
function arrow(ctx: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x - size, y + size * 1.8);
  ctx.lineTo(x + size, y + size * 1.8);
  ctx.fill();
}

interface EndLabel {
  readonly colour: string;
  readonly text: string;
  readonly x: number;
  readonly y: number;
}

/** The newest value beside the end of its line, if that end is in view; labels that would overlap move apart. */
function paintEndLabels(canvas: Canvas): void {
  const { ctx, ratio, scene, top, height } = canvas;
  ctx.save();
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  ctx.font = scene.theme.font.replace(/^[\d.]+px/, `${11 * ratio}px`);
  for (const column of columnsOf(endLabels(canvas), LABEL_WIDTH * ratio)) {
    const wanted = column.map(({ y }) => y);
    const places = spread(wanted, LABEL_HEIGHT * ratio, top, top + height);
    column.forEach(({ colour, text, x }, i) => {
      ctx.fillStyle = colour;
      ctx.fillText(text, x + 5 * ratio, places[i]);
    });
  }
  ctx.restore();
}

function endLabels(canvas: Canvas): EndLabel[] {
  const { scene, left, width, top, height } = canvas;
  const coloured = scene.curves.filter(curve => scene.strokes.get(curveKey(curve))?.colour);
  return coloured.slice(0, MOST_LABELS).flatMap(curve => {
    const end = endOf(curve);
    const y = end ? canvas.toY(end.value) : NaN;
    if (
      end === null ||
      end.x < scene.x.range[0] ||
      end.x > scene.x.range[1] ||
      !(y >= top && y <= top + height)
    ) {
      return [];
    }
    const x = Math.min(canvas.toX(end.x), left + width);
    return [{ colour: colourOf(canvas, curve), text: significant(end.value), x, y }];
  });
}

/** Labels that stand above each other, by rising x: each less than `width` from the one before it. */
function columnsOf(labels: readonly EndLabel[], width: number): EndLabel[][] {
  const columns: EndLabel[][] = [];
  let last = -Infinity;
  for (const label of [...labels].sort((one, other) => one.x - other.x)) {
    if (label.x - last >= width) {
      columns.push([]);
    }
    columns[columns.length - 1].push(label);
    last = label.x;
  }
  return columns;
}

/** The last value that is drawn of `curve`, smoothed if it is. */
function endOf({ columns }: Curve): { x: number; value: number } | null {
  const values = columns.smooth.length > 0 ? columns.smooth : columns.last;
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i];
    if (value !== null) {
      return { x: columns.x[i], value };
    }
  }
  return null;
}

/** `wanted` heights moved apart to at least `gap`, kept in order and within [top, bottom] as far as there is room. */
export function spread(wanted: readonly number[], gap: number, top: number, bottom: number): number[] {
  const order = wanted.map((_, i) => i).sort((one, other) => wanted[one] - wanted[other]);
  const places = [...wanted];
  let least = top;
  for (const i of order) {
    places[i] = Math.max(places[i], least);
    least = places[i] + gap;
  }
  let most = bottom;
  for (const i of order.reverse()) {
    places[i] = Math.min(places[i], most);
    most = places[i] - gap;
  }
  return places;
}
