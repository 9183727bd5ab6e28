// The layer over a bqplot figure: gestures, crosshair, tooltip, axis ticks, legend and end labels.
// It reads what bqplot draws from bqplot's own models in the browser, and sends the kernel only intervals and toggles.

import { Line, drawNotice, follow, formatCount, formatNumber, locale, make, makeSvg, translator } from "./page.mjs";
import { Legend, isCrowded, nameOf, swatch } from "./legend.mjs";
import { formatX, linearTicks, logTicks, nearest, spread } from "./ticks.mjs";
import { onKeys, onPointer, onWheel } from "./gestures.mjs";

const TOOLTIP_ROWS = 10;
const LABEL_HEIGHT = 13;
const LABEL_WIDTH = 60;
const MAX_UNDO = 50;
const NEAR = 24;
const NO_TICKS = 1;
const HOVER_PAUSE = 120;
const HINT = 2500;
const POINTED = "aiplat:pointed";
const ODD = { nan: "NaN", posinf: "+∞", neginf: "−∞" };

function rows(data) {
  if (!data || data.length === 0) return [];
  return typeof data[0] === "number" ? [data] : data;
}

function isRange(range) {
  return range === null || (range.every(Number.isFinite) && range[1] > range[0]);
}

class Chart {
  constructor(model, el, parts, signal) {
    Object.assign(this, { model, el, parts, say: translator(model) });
    this.line = new Line(model, signal, (key) => (key ? this.warn(key) : this.drawBadge()));
    this.undo = [];
    this.at = null;
    this.build(signal);
  }

  build(signal) {
    this.el.classList.add("aiplat-overlay");
    this.el.setAttribute("data-lm-suppress-shortcuts", "true");
    this.head = make("div", "aiplat-head", this.el);
    this.yUnit = make("div", "aiplat-y-unit", this.head);
    this.legend = new Legend(this.head, this.model, this.line, this.say, signal);
    this.badge = make("div", "aiplat-badge", this.head);
    this.plot = make("div", "aiplat-plot", this.el);
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "application");
    this.marks = makeSvg("svg", { class: "aiplat-marks" }, this.plot);
    this.brush = make("div", "aiplat-brush", this.plot);
    this.crosshair = make("div", "aiplat-crosshair", this.plot);
    this.tooltip = make("div", "aiplat-tooltip", this.plot);
    this.tooltip.setAttribute("aria-live", "polite");
    this.ends = make("div", "aiplat-ends", this.el);
    this.unit = make("div", "aiplat-unit", this.el);
    this.hint = make("div", "aiplat-hint", this.plot, this.say("wheel_hint"));
    this.notice = make("div", "aiplat-notice", this.el);
    const { top, right, bottom, left } = this.model.get("margin");
    Object.assign(this.plot.style, { inset: `${top}px ${right}px ${bottom}px ${left}px` });
    Object.assign(this.ends.style, { inset: `${top}px 0 ${bottom}px ${left}px` });
  }

  // Where things are

  get view() {
    return [this.parts.xScale.get("min"), this.parts.xScale.get("max")];
  }

  get viewY() {
    return [this.parts.yScale.get("min"), this.parts.yScale.get("max")];
  }

  get axes() {
    return this.model.get("axes");
  }

  toPixel(x) {
    const [low, high] = this.view;
    return ((x - low) / (high - low)) * this.plot.clientWidth;
  }

  toX(pixel) {
    const [low, high] = this.view;
    return low + (pixel / this.plot.clientWidth) * (high - low);
  }

  toPixelY(y) {
    const [low, high] = this.viewY;
    return (1 - (y - low) / (high - low)) * this.plot.clientHeight;
  }

  points(curve, place = curve.line) {
    if (!place) return null;
    const mark = this.parts.marks[place[0]];
    const [xs, ys] = [rows(mark.get("x")), rows(mark.get("y"))];
    const row = place[1];
    return row < ys.length ? { xs: xs.length === 1 ? xs[0] : xs[row], ys: ys[row] } : null;
  }

  get visible() {
    return this.model.get("curves").filter((curve) => !curve.hidden && curve.line);
  }

  // Drawing

  drawTicks() {
    const { xAxis, yAxis } = this.parts;
    const { x, y } = this.axes;
    const [low, high] = this.view;
    const most = Math.min(5, Math.max(2, Math.floor(this.plot.clientWidth / 90)));
    const xs = x.bare ? [] : x.log ? logTicks(low, high, most) : linearTicks(low, high, most, x.kind);
    this.setTicks(xAxis, xs, (v) => formatX(v, x, high - low));
    const [bottom, top] = this.viewY;
    const ys = y.log ? logTicks(bottom, top, 5) : linearTicks(bottom, top, 5);
    this.setTicks(yAxis, ys, (v) => formatNumber(y.log ? 10 ** v : v));
    const unit = (label, log) => [label, log && this.say("log")].filter(Boolean).join(" · ");
    this.unit.textContent = x.bare ? "" : unit(this.say(x.label), x.log);
    this.yUnit.textContent = this.yUnit.title = unit(y.word ? this.say(y.word) : y.label, y.log);
    this.unit.style.right = `${this.model.get("margin").right}px`;
  }

  /** Says what the chart is, and its keys. */
  drawTitle() {
    const { word, text = "" } = this.model.get("title");
    const title = word ? this.say(word) : text;
    this.plot.setAttribute("aria-label", [title, this.say("chart_keys")].filter(Boolean).join(". "));
  }

  setTicks(axis, values, format) {
    // bqplot draws new ticks in a transition with the labels it has at that moment: so labels first.
    axis.set({ tick_labels: Object.fromEntries(values.map((v) => [v, format(v)])) });
    // Without values of ours it would choose its own, unless there are to be less than two.
    axis.set({ tick_values: Float64Array.from(values), num_ticks: values.length > 0 ? null : NO_TICKS });
  }

  drawBadge() {
    const badge = this.model.get("badge");
    const n = Object.fromEntries(Object.entries(badge).map(([name, value]) => [name, formatCount(value)]));
    const parts = [
      badge.total > 0 && this.say("badge", n),
      badge.nan > 0 && this.say("badge_nan", n),
      badge.infinite > 0 && this.say("badge_infinite", n),
      badge.left_out > 0 && this.say(badge.exact ? "badge_left_out" : "badge_left_out_least", n),
      badge.clipped > 0 && this.say("badge_clipped", n),
    ];
    this.badge.textContent = this.badge.title = parts.filter(Boolean).join(" · ");
    this.legend.fit();
  }

  warn(key) {
    this.badge.textContent = this.badge.title = this.say(key);
  }

  drawEnds() {
    const ends = this.visible
      .filter((curve) => curve.end)
      .map((curve) => this.lastPoint(curve))
      .filter(Boolean);
    const wishes = ends.map(({ x, y }) => ({ left: x, top: y - LABEL_HEIGHT / 2 }));
    const tops = spread(wishes, LABEL_HEIGHT, LABEL_WIDTH, this.plot.clientHeight);
    this.ends.replaceChildren(...ends.map((end, i) => this.endLabel(end, tops[i])));
    for (const { curve, x, y } of ends) makeSvg("circle", { cx: x, cy: y, r: 2 }, this.marks).style.fill = curve.color;
  }

  lastPoint(curve) {
    const [low, high] = this.view;
    const line = this.points(curve);
    for (let i = (line?.xs.length ?? 0) - 1; i >= 0; i--) {
      if (line.xs[i] < low || line.xs[i] > high || !Number.isFinite(line.ys[i])) continue;
      return { curve, x: this.toPixel(line.xs[i]), y: this.toPixelY(line.ys[i]), value: this.plainY(line.ys[i]) };
    }
    return null;
  }

  endLabel({ curve, x, value }, top) {
    const label = make("div", "aiplat-end");
    const isNewest = curve.last !== null && !curve.raw && !this.model.get("interval");
    label.textContent = formatNumber(isNewest ? curve.last : value);
    Object.assign(label.style, { left: `${x + 5}px`, top: `${top}px`, color: curve.color });
    return label;
  }

  plainY(y) {
    return this.axes.y.log ? 10 ** y : y;
  }

  drawMarks() {
    this.marks.replaceChildren();
    const [low, high] = this.view;
    const height = this.plot.clientHeight;
    for (const curve of this.visible) {
      for (const [kind, xs] of Object.entries(curve.odd ?? {})) {
        for (const x of xs) if (x >= low && x <= high) this.drawMark(kind, this.toPixel(x), height, curve.color);
      }
    }
  }

  drawMark(kind, x, height, color) {
    const outlines = {
      posinf: `M${x - 4},7h8l-4,-7z`,
      neginf: `M${x - 4},${height - 7}h8l-4,7z`,
      above: `M${x},0v6`,
      below: `M${x},${height}v-6`,
    };
    const d = outlines[kind];
    const shape = d
      ? makeSvg("path", { d, class: `aiplat-mark-${kind}` }, this.marks)
      : makeSvg("circle", { cx: x, cy: height, r: 3.5 }, this.marks);
    shape.style.stroke = color;
    makeSvg("title", {}, shape).textContent = ODD[kind] ?? this.say("clipped");
  }

  drawNotice() {
    drawNotice(this.notice, this.model.get("notice"), this.say, () => this.line.send({ kind: "retry" }));
  }

  // Crosshair and tooltip

  /** Shows the values at the point nearest to `x`, here and in charts with the same x axis; see `look`. */
  point(x, height = null) {
    this.look(this.snap(x), height);
    this.tell(this.at);
  }

  /** The x of the point that is nearest to `x`; `x` itself where there is none. */
  snap(x) {
    const points = x === null ? [] : this.valuesAt(x);
    return points.reduce((near, point) => (Math.abs(point.x - x) < Math.abs(near - x) ? point.x : near), points[0]?.x ?? x);
  }

  valuesAt(x) {
    return this.visible.map((curve) => this.valueAt(curve, x)).filter(Boolean);
  }

  /** Shows the values at `x`; a pointer's `height` in pixels tells which of many curves are meant. */
  look(x, height = null) {
    [this.at, this.height] = [x, height];
    if (x === null || this.model.get("notice")) return this.lookAway();
    const values = this.valuesAt(x);
    if (values.length === 0) return this.lookAway();
    this.crosshair.style.display = "block";
    this.crosshair.style.left = `${this.toPixel(x)}px`;
    if (height !== null) this.sortByNearness(values, height);
    this.drawTooltip(x, values);
  }

  sortByNearness(values, height) {
    for (const value of values) value.far = Math.abs(this.toPixelY(value.drawn) - height);
    const [nearest, ...others] = values.toSorted((a, b) => a.far - b.far);
    nearest.isNearest = nearest.far < NEAR && others.length > 0;
    if (values.length > TOOLTIP_ROWS) values.splice(0, values.length, nearest, ...others);
    if (isCrowded(this.model.get("curves"))) this.hover(nearest.far < NEAR ? nearest.curve.key : null);
  }

  /** Tells the kernel which curve is pointed at, once the pointer rests. */
  hover(key) {
    if (key === this.hovered) return;
    this.hovered = key;
    clearTimeout(this.hoverTimer);
    this.hoverTimer = setTimeout(() => this.line.send({ kind: "hover", key }), HOVER_PAUSE);
  }

  unpoint() {
    this.lookAway();
    this.tell(null);
  }

  /** Tells the charts that share the model of the x axis where the crosshair is. */
  tell(x) {
    this.parts.xScale.trigger(POINTED, this, x);
  }

  lookAway() {
    this.at = null;
    this.crosshair.style.display = "none";
    this.tooltip.style.display = "none";
    if (this.hovered) this.hover(null);
  }

  showHint() {
    this.hint.style.display = "block";
    clearTimeout(this.hintTimer);
    this.hintTimer = setTimeout(() => (this.hint.style.display = "none"), HINT);
  }

  valueAt(curve, x) {
    const line = this.points(curve);
    const i = line ? nearest(line.xs, line.ys, x) : -1;
    if (i < 0) return null;
    const reach = (this.view[1] - this.view[0]) * 0.05;
    if (Math.abs(line.xs[i] - x) > reach && line.xs.length > 1) return null;
    const at = (place) => {
      const other = place ? this.points(curve, place) : null;
      const j = other ? nearest(other.xs, other.ys, line.xs[i]) : -1;
      return j < 0 || other.xs[j] !== line.xs[i] ? null : this.plainY(other.ys[j]);
    };
    return {
      curve,
      x: line.xs[i],
      drawn: line.ys[i],
      y: this.plainY(line.ys[i]),
      raw: at(curve.raw),
      max: at(curve.max),
      min: at(curve.min),
    };
  }

  drawTooltip(x, values) {
    const [low, high] = this.view;
    const axis = this.axes.x;
    const where =
      axis.kind === "wall"
        ? new Date((axis.log ? 10 ** x : x) * 1000).toLocaleString(locale())
        : formatX(x, axis, high - low);
    this.tooltip.replaceChildren();
    make("div", "aiplat-tooltip-x", this.tooltip, `${this.say(axis.label)} ${where}`);
    const table = make("table", "", this.tooltip);
    for (const value of values.slice(0, TOOLTIP_ROWS)) this.tooltipRow(table, value);
    const more = values.length - TOOLTIP_ROWS;
    if (more > 0) make("div", "aiplat-quiet", this.tooltip, this.say("more", { n: formatCount(more) }));
    this.tooltip.style.display = "block";
    const [pixel, { clientWidth }] = [this.toPixel(x), this.plot];
    const width = this.tooltip.offsetWidth;
    const left = pixel > clientWidth / 2 ? pixel - width - 10 : pixel + 10;
    this.tooltip.style.left = `${Math.max(-this.model.get("margin").left, Math.min(left, this.el.clientWidth - this.plot.offsetLeft - width))}px`;
  }

  tooltipRow(table, { curve, y, raw, min, max, isNearest }) {
    const row = make("tr", isNearest ? "aiplat-nearest" : "", table);
    make("td", "", row).append(swatch(curve));
    make("td", "aiplat-tooltip-name", row, nameOf(curve, this.say));
    make("td", "aiplat-number", row, formatNumber(y));
    const range = min !== null && max !== null && min !== max ? `${formatNumber(min)} – ${formatNumber(max)}` : "";
    make(
      "td",
      "aiplat-number aiplat-quiet",
      row,
      raw === null ? range : `${formatNumber(raw)} ${range && `(${range})`}`,
    );
  }

  moveCrosshair(direction) {
    const shown = this.visible.map((curve) => this.points(curve)).find(Boolean);
    if (!shown) return;
    const [low, high] = this.view;
    const xs = Array.from(new Set(shown.xs))
      .filter((x) => x >= low && x <= high)
      .sort((a, b) => a - b);
    if (xs.length === 0) return;
    const here = this.at === null ? (direction > 0 ? -1 : xs.length) : xs.findIndex((x) => x >= this.at);
    const stride = Math.max(1, Math.round(xs.length / this.plot.clientWidth));
    this.point(xs[Math.min(xs.length - 1, Math.max(0, here + direction * stride))]);
  }

  // The view

  /** The ranges that are looked at; null: all there is. */
  get zoom() {
    return this.wanted ?? { x: this.model.get("interval"), y: this.model.get("y_interval") };
  }

  /** Looks at other ranges; that of an axis that is not named stays. */
  show(change, remember = true) {
    const zoom = { ...this.zoom, ...change };
    if (!isRange(zoom.x) || !isRange(zoom.y)) return;
    if (remember) this.remember();
    this.pin = {};
    this.moveTo(zoom);
    this.wanted = zoom;
    this.line.send({ kind: "interval", ...zoom });
  }

  /** Shows ranges at once, and keeps them until the kernel has taken them: a busy one goes on moving its own. */
  moveTo({ x, y }) {
    const pinned = ([min, max]) => ({ min, max });
    this.pin = { ...this.pin, ...(x && { x: pinned(x) }), ...(y && { y: pinned(y) }) };
    this.hold();
  }

  hold() {
    if (this.pin?.x) this.parts.xScale.set(this.pin.x);
    if (this.pin?.y) this.parts.yScale.set(this.pin.y);
  }

  remember() {
    this.undo = [...this.undo, this.zoom].slice(-MAX_UNDO);
  }

  undoZoom() {
    if (this.undo.length > 0) this.show(this.undo.pop(), false);
  }

  reset() {
    if (this.zoom.x || this.zoom.y) this.show({ x: null, y: null });
  }

  panBy(share) {
    const [low, high] = this.view;
    this.show({ x: [low + (high - low) * share, high + (high - low) * share] });
  }

  redraw() {
    if (this.plot.clientWidth < 1) return;
    this.drawTicks();
    this.drawMarks();
    this.drawEnds();
    if (this.at !== null) this.look(this.at, this.height);
  }

  redrawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.redraw();
    });
  }
}

// Life

function watch(chart, signal) {
  const { model, parts } = chart;
  const on = (events, act) => follow(model, events, act, signal);
  const redraw = () => chart.redrawSoon();
  on("change:curves", () => (chart.legend.draw(), redraw()));
  on("change:badge", () => chart.drawBadge());
  on("change:title change:words", () => chart.drawTitle());
  on("change:notice", () => (chart.drawNotice(), chart.unpoint()));
  on("change:words", redraw);
  const taken = () => ((chart.wanted = chart.pin = undefined), redraw());
  on("change:interval change:y_interval change:seen change:axes", taken);
  // Not at once: bqplot takes no notice of what is set while a change is being told.
  const hold = () => queueMicrotask(() => chart.hold());
  for (const scale of [parts.xScale, parts.yScale]) {
    follow(scale, "change", hold, signal);
    follow(scale, "change", redraw, signal);
  }
  follow(parts.xScale, POINTED, (from, x) => from !== chart && chart.look(x), signal);
  for (const mark of parts.marks) follow(mark, "change", redraw, signal);
}

function watchSize(chart, signal) {
  let last = 0;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const observer = new ResizeObserver(() => {
    const width = Math.round(chart.plot.clientWidth);
    if (width < 1 || width === last) return;
    last = width;
    chart.line.send({ kind: "size", width, zone });
    chart.legend.fit();
    chart.redrawSoon();
  });
  observer.observe(chart.plot);
  signal.addEventListener("abort", () => observer.disconnect());
}

async function collect(model) {
  const get = (reference) => model.widget_manager.get_model(reference.replace("IPY_MODEL_", ""));
  const { x_scale, y_scale, x_axis, y_axis, marks } = model.get("parts");
  const [xScale, yScale, xAxis, yAxis] = await Promise.all([x_scale, y_scale, x_axis, y_axis].map(get));
  return { xScale, yScale, xAxis, yAxis, marks: await Promise.all(marks.map(get)) };
}

async function render({ model, el }) {
  const life = new AbortController();
  const chart = new Chart(model, el, await collect(model), life.signal);
  chart.drawTitle();
  watch(chart, life.signal);
  watchSize(chart, life.signal);
  const pointer = onPointer(chart, life.signal);
  onWheel(chart, life.signal);
  onKeys(chart, pointer, life.signal);
  chart.legend.draw();
  chart.drawBadge();
  chart.drawNotice();
  chart.redrawSoon();
  return () => life.abort();
}

export default { render };
