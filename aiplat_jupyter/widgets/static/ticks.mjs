// Round ticks, their labels, and the small geometry of a chart: pure functions.

import { formatCount, formatNumber, formatTime, locale, timeSpan } from "./page.mjs";

export function formatDuration(seconds) {
  const sign = seconds < 0 ? "−" : "";
  const size = Math.abs(seconds);
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  const [large, one, small, other] =
    size < 3600 ? [60, "m", 1, "s"] : size < 86400 ? [3600, "h", 60, "m"] : [86400, "d", 3600, "h"];
  if (size < 60) return sign + timeSpan([formatNumber(size), "s"]);
  return sign + timeSpan([Math.floor(size / large), one], [two((size % large) / small), other]);
}

function formatClock(seconds, span) {
  if (span > 2 * 86400)
    return new Date(seconds * 1000).toLocaleDateString(locale(), { month: "short", day: "numeric" });
  return formatTime(seconds, { hour: "numeric", minute: "2-digit", ...(span < 300 && { second: "2-digit" }) });
}

export function formatX(value, axis, span) {
  const plain = axis.log ? 10 ** value : value;
  if (axis.kind === "wall") return formatClock(plain, span);
  if (axis.kind === "relative") return formatDuration(plain);
  if (axis.kind !== "step") return formatNumber(plain);
  return formatCount(Math.round(plain));
}

// Ticks at round numbers

const ROUND = [1, 2, 2.5, 5, 10];
const ROUND_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

function roundStep(raw, kind) {
  const round = kind === "wall" || kind === "relative" ? ROUND_SECONDS.find((step) => step >= raw) : undefined;
  if (round !== undefined && raw > 0.5) return round;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ROUND.find((factor) => factor * power >= raw * (1 - 1e-9)) * power;
  return kind === "step" ? Math.max(1, step === 2.5 ? 5 : step) : step;
}

/** At most `most` ticks, and at least one: where both cannot be, one more. */
export function linearTicks(low, high, most, kind = "") {
  const choices = [most, most - 1, most + 1].map((n) => ticksOf(roundStep((high - low) / n, kind), low, high, kind));
  return choices.find(({ length }) => length > 0 && length <= most) ?? choices[2];
}

function ticksOf(step, low, high, kind) {
  const shift = kind === "wall" ? new Date(low * 1000).getTimezoneOffset() * 60 : 0;
  const ticks = [];
  for (let n = Math.ceil((low - shift) / step - 1e-9); n * step + shift <= high + step * 1e-9; n++) {
    ticks.push(Number((n * step + shift).toPrecision(12)));
  }
  return ticks;
}

export function logTicks(low, high, most) {
  if (high - low < 1)
    return linearTicks(10 ** low, 10 ** high, most)
      .filter((v) => v > 0)
      .map(Math.log10);
  if (high - low < 3) return thinned(low, high, most);
  const decades = Math.floor(high) - Math.ceil(low);
  const step = Math.max(1, Math.ceil((decades + 1) / most));
  const first = Math.ceil(low / step - 1e-9) * step;
  return Array.from({ length: Math.floor((high - first) / step + 1e-9) + 1 }, (_, n) => first + n * step);
}

/** The ticks 1, 2, 5, or 1, 3 of each decade: as many as there may be. */
function thinned(low, high, most) {
  const decades = [0, 1, 2, 3].map((n) => Math.floor(low) + n);
  const at = (factors) => decades.flatMap((n) => factors.map((factor) => n + Math.log10(factor)));
  const inside = [[1, 2, 5], [1, 3], [1]].map((factors) => at(factors).filter((v) => v >= low && v <= high));
  return inside.find((ticks) => ticks.length <= most) ?? inside[2];
}

// Geometry

export function zoomed([low, high], factor, at = 0.5) {
  const centre = low + (high - low) * at;
  return [centre - (centre - low) * factor, centre + (high - centre) * factor];
}

export function nearest(xs, ys, x) {
  let best = -1;
  for (let i = 0; i < xs.length; i++) {
    if (Number.isFinite(ys[i]) && (best < 0 || Math.abs(xs[i] - x) < Math.abs(xs[best] - x))) best = i;
  }
  return best;
}

/** Moves labels apart: tops for the wished {left, top}, so that none covers another of those beside it. */
export function spread(wishes, height, width, limit) {
  const tops = new Array(wishes.length);
  for (const group of columns(wishes, width)) {
    group.sort((a, b) => wishes[a].top - wishes[b].top);
    let floor = 0;
    for (const i of group) floor = (tops[i] = Math.max(wishes[i].top, floor)) + height;
    let ceiling = limit;
    for (const i of group.reverse()) ceiling = tops[i] = Math.min(tops[i], ceiling - height);
  }
  return tops;
}

function columns(wishes, width) {
  const order = wishes.map((_, i) => i).sort((a, b) => wishes[a].left - wishes[b].left);
  const groups = [];
  for (const i of order) {
    const group = groups.at(-1);
    if (group && wishes[i].left - wishes[group.at(-1)].left < width) group.push(i);
    else groups.push([i]);
  }
  return groups;
}
