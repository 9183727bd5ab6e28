// The layer over a bqplot figure: gestures, crosshair, tooltip, axis ticks, legend and end labels.
// It reads what bqplot draws from bqplot's own models in the browser, and sends the kernel only intervals and toggles.

const SVG = "http://www.w3.org/2000/svg";
const DRAG_MIN = 4;
const WHEEL_PAUSE = 150;
const TOOLTIP_ROWS = 10;
const LABEL_HEIGHT = 13;
const MAX_UNDO = 50;

// Numbers as people read them

export function formatNumber(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) {
    const [mantissa, exponent] = value.toExponential(3).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  return value.toLocaleString(undefined, { maximumSignificantDigits: 4 });
}

export function formatDuration(seconds) {
  const sign = seconds < 0 ? "−" : "";
  const size = Math.abs(seconds);
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  if (size < 60) return `${sign}${formatNumber(size)}s`;
  if (size < 3600) return `${sign}${Math.floor(size / 60)}m ${two(size % 60)}s`;
  if (size < 86400) return `${sign}${Math.floor(size / 3600)}h ${two((size % 3600) / 60)}m`;
  return `${sign}${Math.floor(size / 86400)}d ${two((size % 86400) / 3600)}h`;
}

function formatClock(seconds, span) {
  const date = new Date(seconds * 1000);
  if (span > 2 * 86400) return date.toLocaleDateString(undefined, { month: "short", day: "numeric" });
  const clock = { hour: "2-digit", minute: "2-digit", ...(span < 300 && { second: "2-digit" }) };
  return date.toLocaleTimeString(undefined, clock);
}

export function formatX(value, axis, span) {
  const plain = axis.log ? 10 ** value : value;
  if (axis.kind === "wall") return formatClock(plain, span);
  if (axis.kind === "relative") return formatDuration(plain);
  if (axis.kind !== "step") return formatNumber(plain);
  return Math.abs(plain) < 1e7 ? Math.round(plain).toLocaleString() : formatNumber(plain);
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

export function linearTicks(low, high, most, kind = "") {
  const step = roundStep((high - low) / most, kind);
  const shift = kind === "wall" ? new Date(low * 1000).getTimezoneOffset() * 60 : 0;
  const ticks = [];
  for (let n = Math.ceil((low - shift) / step - 1e-9); n * step + shift <= high + step * 1e-9; n++) {
    ticks.push(Number((n * step + shift).toPrecision(12)));
  }
  return ticks;
}

export function logTicks(low, high, most) {
  if (high - low < 1) return linearTicks(10 ** low, 10 ** high, most).filter((v) => v > 0).map(Math.log10);
  const step = Math.max(1, Math.ceil((high - low) / most));
  const first = Math.ceil(low / step - 1e-9) * step;
  return Array.from({ length: Math.floor((high - first) / step + 1e-9) + 1 }, (_, n) => first + n * step);
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

/** Moves labels apart: `tops` sorted by wish, each at least `height` below the one before, within [0, limit]. */
export function spread(wishes, height, limit) {
  const order = wishes.map((_, i) => i).sort((a, b) => wishes[a] - wishes[b]);
  const tops = new Array(wishes.length);
  let floor = 0;
  for (const i of order) floor = (tops[i] = Math.max(wishes[i], floor)) + height;
  let ceiling = limit;
  for (const i of order.reverse()) ceiling = tops[i] = Math.min(tops[i], ceiling - height);
  return tops;
}

function rows(data) {
  if (!data || data.length === 0) return [];
  return typeof data[0] === "number" ? [data] : data;
}

// The pieces of the layer

function make(tag, cls, parent, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  parent?.append(node);
  return node;
}

function makeSvg(tag, attributes, parent) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent?.append(node);
  return node;
}

function swatch(curve) {
  const svg = makeSvg("svg", { width: 18, height: 8, "aria-hidden": "true" });
  const line = makeSvg("line", { x1: 0, y1: 4, x2: 18, y2: 4, "stroke-width": 2 }, svg);
  line.style.stroke = curve.color;
  line.style.strokeDasharray = { solid: "none", dashed: "5,3", dotted: "1,3", dash_dotted: "5,2,1,2" }[curve.dash];
  return svg;
}

class Chart {
  constructor(model, el, parts) {
    Object.assign(this, { model, el, parts });
    this.undo = [];
    this.at = null;
    this.build();
  }

  build() {
    this.el.classList.add("aiplat-overlay");
    this.el.setAttribute("data-lm-suppress-shortcuts", "true");
    this.legend = make("div", "aiplat-legend", this.el);
    this.badge = make("div", "aiplat-badge", this.el);
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
    this.notice = make("div", "aiplat-notice", this.el);
    const { top, right, bottom, left } = this.model.get("margin");
    Object.assign(this.plot.style, { inset: `${top}px ${right}px ${bottom}px ${left}px` });
    Object.assign(this.ends.style, { inset: `${top}px 0 ${bottom}px auto`, width: `${right}px` });
    this.legend.style.left = `${left}px`;
  }

  // Where things are

  get view() {
    return [this.parts.xScale.get("min"), this.parts.xScale.get("max")];
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
    const { yScale } = this.parts;
    const [low, high] = [yScale.get("min"), yScale.get("max")];
    return (1 - (y - low) / (high - low)) * this.plot.clientHeight;
  }

  line(curve, place = curve.line) {
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
    const { xAxis, yAxis, yScale } = this.parts;
    const { x, y } = this.axes;
    const [low, high] = this.view;
    const most = Math.min(5, Math.max(2, Math.floor(this.plot.clientWidth / 90)));
    const xs = x.log ? logTicks(low, high, most) : linearTicks(low, high, most, x.kind);
    this.setTicks(xAxis, xs, (v) => formatX(v, x, high - low));
    const [bottom, top] = [yScale.get("min"), yScale.get("max")];
    const ys = y.log ? logTicks(bottom, top, 5) : linearTicks(bottom, top, 5);
    this.setTicks(yAxis, ys, (v) => formatNumber(y.log ? 10 ** v : v));
    this.unit.textContent = [x.label, x.log && this.word("log")].filter(Boolean).join(" · ");
    this.unit.style.right = `${this.model.get("margin").right}px`;
  }

  setTicks(axis, values, format) {
    const labels = Object.fromEntries(values.map((v) => [v, format(v)]));
    axis.set({ tick_values: Float64Array.from(values), tick_labels: labels });
  }

  word(key) {
    return this.model.get("words")[key] ?? key;
  }

  drawLegend() {
    const curves = this.model.get("curves").filter((curve) => curve.legend);
    this.legend.replaceChildren(...curves.map((curve) => this.legendEntry(curve)));
  }

  legendEntry(curve) {
    const button = make("button", "aiplat-legend-entry");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!curve.hidden));
    button.title = curve.name;
    button.append(swatch(curve));
    make("span", "", button, curve.name);
    button.onclick = () => this.model.send({ kind: "toggle", key: curve.key });
    button.onpointerenter = () => this.model.send({ kind: "hover", key: curve.key });
    button.onpointerleave = () => this.model.send({ kind: "hover", key: null });
    return button;
  }

  drawBadge() {
    const { shown, total, nan, infinite, left_out } = this.model.get("badge");
    const n = (value) => value.toLocaleString();
    const say = (key, values) => this.word(key).replace(/\{(\w+)\}/g, (_, name) => n(values[name]));
    const parts = [
      total > 0 && say("badge", { shown, total }),
      nan > 0 && say("badge_nan", { nan }),
      infinite > 0 && say("badge_infinite", { infinite }),
      left_out > 0 && say("badge_left_out", { left_out }),
    ];
    this.badge.textContent = parts.filter(Boolean).join(" · ");
    this.badge.title = this.badge.textContent;
  }

  drawEnds() {
    const [low, high] = this.view;
    const ends = this.visible.filter((curve) => curve.end).map((curve) => ({ curve, at: this.lastIn(curve, low, high) }));
    const drawn = ends.filter(({ at }) => at !== null);
    const height = this.plot.clientHeight;
    const wishes = drawn.map(({ at }) => this.toPixelY(at) - LABEL_HEIGHT / 2);
    const tops = spread(wishes, LABEL_HEIGHT, height);
    this.ends.replaceChildren(...drawn.map(({ curve, at }, i) => this.endLabel(curve, at, tops[i])));
  }

  lastIn(curve, low, high) {
    const line = this.line(curve);
    if (!line) return null;
    for (let i = line.xs.length - 1; i >= 0; i--) {
      if (line.xs[i] >= low && line.xs[i] <= high && Number.isFinite(line.ys[i])) return line.ys[i];
    }
    return null;
  }

  endLabel(curve, at, top) {
    const label = make("div", "aiplat-end");
    const zoomedIn = this.model.get("interval") !== null;
    label.textContent = formatNumber(curve.last === null || zoomedIn ? this.plainY(at) : curve.last);
    label.title = curve.name;
    Object.assign(label.style, { top: `${top}px`, color: curve.color });
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
    const shape =
      kind === "nan"
        ? makeSvg("circle", { cx: x, cy: height, r: 3.5 }, this.marks)
        : makeSvg("path", { d: kind === "posinf" ? `M${x - 4},7h8l-4,-7z` : `M${x - 4},${height - 7}h8l-4,7z` }, this.marks);
    shape.style.stroke = color;
    makeSvg("title", {}, shape).textContent = { nan: "NaN", posinf: "+∞", neginf: "−∞" }[kind];
  }

  drawNotice() {
    const notice = this.model.get("notice");
    this.notice.replaceChildren();
    this.notice.className = `aiplat-notice${notice ? ` aiplat-notice-${notice.kind}` : ""}`;
    this.notice.setAttribute("role", notice?.kind === "error" ? "alert" : "status");
    if (!notice) return;
    if (notice.kind === "loading") makeSkeleton(this.notice);
    make("div", "aiplat-notice-text", this.notice, notice.text);
    if (notice.hint) make("div", "aiplat-notice-hint", this.notice, notice.hint);
    if (notice.kind === "error") {
      const retry = make("button", "aiplat-button", this.notice, this.word("retry"));
      retry.type = "button";
      retry.onclick = () => this.model.send({ kind: "retry" });
    }
  }

  // Crosshair and tooltip

  point(x) {
    this.at = x;
    if (x === null || this.model.get("notice")) return this.unpoint();
    const values = this.visible.map((curve) => this.valueAt(curve, x)).filter(Boolean);
    if (values.length === 0) return this.unpoint();
    const closest = values.reduce((a, b) => (Math.abs(a.x - x) <= Math.abs(b.x - x) ? a : b));
    this.crosshair.style.display = "block";
    this.crosshair.style.left = `${this.toPixel(closest.x)}px`;
    this.drawTooltip(closest.x, values);
  }

  unpoint() {
    this.at = null;
    this.crosshair.style.display = "none";
    this.tooltip.style.display = "none";
    this.dots?.replaceChildren();
  }

  valueAt(curve, x) {
    const line = this.line(curve);
    const i = line ? nearest(line.xs, line.ys, x) : -1;
    if (i < 0) return null;
    const reach = (this.view[1] - this.view[0]) * 0.05;
    if (Math.abs(line.xs[i] - x) > reach && line.xs.length > 1) return null;
    const at = (place) => {
      const other = this.line(curve, place);
      const j = other ? nearest(other.xs, other.ys, line.xs[i]) : -1;
      return j < 0 || other.xs[j] !== line.xs[i] ? null : this.plainY(other.ys[j]);
    };
    return { curve, x: line.xs[i], y: this.plainY(line.ys[i]), raw: at(curve.raw), max: at(curve.max), min: at(curve.min) };
  }

  drawTooltip(x, values) {
    const [low, high] = this.view;
    const axis = this.axes.x;
    const where = axis.kind === "wall" ? new Date((axis.log ? 10 ** x : x) * 1000).toLocaleString() : formatX(x, axis, high - low);
    this.tooltip.replaceChildren();
    make("div", "aiplat-tooltip-x", this.tooltip, `${axis.label} ${where}`);
    const table = make("table", "", this.tooltip);
    for (const value of values.slice(0, TOOLTIP_ROWS)) this.tooltipRow(table, value);
    const more = values.length - TOOLTIP_ROWS;
    if (more > 0) make("div", "aiplat-quiet", this.tooltip, this.word("more").replace("{n}", more));
    this.tooltip.style.display = "block";
    const pixel = this.toPixel(x);
    const right = pixel > this.plot.clientWidth / 2;
    Object.assign(this.tooltip.style, {
      left: right ? "auto" : `${pixel + 10}px`,
      right: right ? `${this.plot.clientWidth - pixel + 10}px` : "auto",
    });
  }

  tooltipRow(table, { curve, y, raw, min, max }) {
    const row = make("tr", "", table);
    make("td", "", row).append(swatch(curve));
    make("td", "aiplat-tooltip-name", row, curve.name);
    make("td", "aiplat-number", row, formatNumber(y));
    const range = min !== null && max !== null && min !== max ? `${formatNumber(min)} – ${formatNumber(max)}` : "";
    make("td", "aiplat-number aiplat-quiet", row, raw === null ? range : `${formatNumber(raw)} ${range && `(${range})`}`);
  }

  moveCrosshair(direction) {
    const shown = this.visible.map((curve) => this.line(curve)).find(Boolean);
    if (!shown) return;
    const [low, high] = this.view;
    const xs = Array.from(new Set(shown.xs)).filter((x) => x >= low && x <= high).sort((a, b) => a - b);
    if (xs.length === 0) return;
    const here = this.at === null ? (direction > 0 ? -1 : xs.length) : xs.findIndex((x) => x >= this.at);
    const stride = Math.max(1, Math.round(xs.length / this.plot.clientWidth));
    this.point(xs[Math.min(xs.length - 1, Math.max(0, here + direction * stride))]);
  }

  // The view

  show(interval, remember = true) {
    if (interval && !(interval[1] > interval[0] && interval.every(Number.isFinite))) return;
    if (remember) this.remember();
    if (interval) this.parts.xScale.set({ min: interval[0], max: interval[1] });
    this.wanted = interval;
    this.model.send({ kind: "interval", interval });
  }

  remember() {
    const before = this.wanted === undefined ? this.model.get("interval") : this.wanted;
    this.undo = [...this.undo, before].slice(-MAX_UNDO);
  }

  undoZoom() {
    if (this.undo.length > 0) this.show(this.undo.pop(), false);
  }

  panBy(share) {
    const [low, high] = this.view;
    this.show([low + (high - low) * share, high + (high - low) * share]);
  }

  redraw() {
    if (this.plot.clientWidth < 1) return;
    this.drawTicks();
    this.drawEnds();
    this.drawMarks();
    if (this.at !== null) this.point(this.at);
  }

  redrawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.redraw();
    });
  }
}

function makeSkeleton(parent) {
  const svg = makeSvg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", class: "aiplat-skeleton" }, parent);
  makeSvg("path", { d: "M0,4 C12,30 25,32 45,34 S80,37 100,37" }, svg);
}

// Gestures: pointer, wheel, keys

function onPointer(chart, signal) {
  const { plot, brush } = chart;
  let drag = null;
  const pixel = (event) => event.clientX - plot.getBoundingClientRect().left;
  const clamp = (x) => Math.min(Math.max(x, 0), plot.clientWidth);

  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || chart.model.get("notice")) return;
    plot.focus({ preventScroll: true });
    plot.setPointerCapture(event.pointerId);
    drag = { from: pixel(event), pan: event.shiftKey, view: chart.view };
  }, { signal });

  plot.addEventListener("pointermove", (event) => {
    const here = pixel(event);
    if (!drag) return chart.point(chart.toX(clamp(here)));
    if (drag.pan) return panTo(drag, here);
    const [left, right] = [drag.from, clamp(here)].sort((a, b) => a - b);
    Object.assign(brush.style, { display: "block", left: `${left}px`, width: `${right - left}px` });
  }, { signal });

  const panTo = ({ from, view: [low, high] }, here) => {
    const shift = ((from - here) / plot.clientWidth) * (high - low);
    chart.parts.xScale.set({ min: low + shift, max: high + shift });
  };

  const release = (event) => {
    const { from, pan, view } = drag;
    const here = pixel(event);
    cancel();
    if (Math.abs(here - from) < DRAG_MIN) return;
    if (pan) return chart.show(chart.view);
    const ends = [from, clamp(here)].sort((a, b) => a - b).map((x) => view[0] + (x / plot.clientWidth) * (view[1] - view[0]));
    chart.show(ends);
  };

  const cancel = () => {
    drag = null;
    brush.style.display = "none";
  };

  plot.addEventListener("pointerup", (event) => drag && release(event), { signal });
  plot.addEventListener("pointercancel", cancel, { signal });
  plot.addEventListener("pointerleave", () => drag || chart.unpoint(), { signal });
  plot.addEventListener("dblclick", () => chart.show(null), { signal });
  return { cancel: () => { if (drag?.pan) chart.parts.xScale.set({ min: drag.view[0], max: drag.view[1] }); cancel(); } };
}

function onWheel(chart, signal) {
  let timer;
  let burst = false;
  chart.plot.addEventListener("wheel", (event) => {
    if (!event.altKey || chart.model.get("notice")) return;
    event.preventDefault();
    const { left, width } = chart.plot.getBoundingClientRect();
    if (!burst) chart.remember();
    burst = true;
    const [min, max] = zoomed(chart.view, Math.exp(Math.sign(event.deltaY) * 0.2), (event.clientX - left) / width);
    chart.parts.xScale.set({ min, max });
    clearTimeout(timer);
    timer = setTimeout(() => {
      burst = false;
      chart.show(chart.view, false);
    }, WHEEL_PAUSE);
  }, { signal, passive: false });
}

function onKeys(chart, pointer, signal) {
  const keys = {
    ArrowLeft: (event) => (event.shiftKey ? chart.panBy(-0.1) : chart.moveCrosshair(-1)),
    ArrowRight: (event) => (event.shiftKey ? chart.panBy(0.1) : chart.moveCrosshair(1)),
    "+": () => chart.show(zoomed(chart.view, 0.5, crosshairShare(chart))),
    "=": () => chart.show(zoomed(chart.view, 0.5, crosshairShare(chart))),
    "-": () => chart.show(zoomed(chart.view, 2, crosshairShare(chart))),
    0: () => chart.show(null),
    Escape: () => (pointer.cancel(), chart.unpoint()),
  };
  chart.plot.addEventListener("keydown", (event) => {
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    const act = undo ? () => chart.undoZoom() : event.ctrlKey || event.metaKey ? undefined : keys[event.key];
    if (!act || chart.model.get("notice")) return;
    event.preventDefault();
    event.stopPropagation();
    act(event);
  }, { signal });
}

function crosshairShare(chart) {
  return chart.at === null ? 0.5 : chart.toPixel(chart.at) / chart.plot.clientWidth;
}

// Life

function follow(source, events, act, signal) {
  source.on(events, act);
  signal.addEventListener("abort", () => source.off(events, act));
}

function watch(chart, signal) {
  const { model, parts } = chart;
  const on = (events, act) => events.split(" ").forEach((event) => follow(model, event, act, signal));
  const redraw = () => chart.redrawSoon();
  on("change:curves", () => (chart.drawLegend(), redraw()));
  on("change:badge", () => chart.drawBadge());
  on("change:notice", () => (chart.drawNotice(), chart.unpoint()));
  on("change:axes change:words", redraw);
  on("change:interval", () => ((chart.wanted = undefined), redraw()));
  for (const scale of [parts.xScale, parts.yScale]) follow(scale, "change", redraw, signal);
  for (const mark of parts.marks) follow(mark, "change", redraw, signal);
}

function watchSize(chart, signal) {
  let last = 0;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const observer = new ResizeObserver(() => {
    const width = Math.round(chart.plot.clientWidth);
    if (width < 1 || width === last) return;
    last = width;
    chart.model.send({ kind: "size", width, zone });
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
  const chart = new Chart(model, el, await collect(model));
  chart.plot.setAttribute("aria-label", chart.word("chart_keys"));
  watch(chart, life.signal);
  watchSize(chart, life.signal);
  const pointer = onPointer(chart, life.signal);
  onWheel(chart, life.signal);
  onKeys(chart, pointer, life.signal);
  chart.drawLegend();
  chart.drawBadge();
  chart.drawNotice();
  chart.redrawSoon();
  return () => life.abort();
}

export default { render };
