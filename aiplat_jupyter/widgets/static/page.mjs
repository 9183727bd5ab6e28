// What all panels share in the browser: words, numbers, small DOM helpers, and messages to the kernel.

const SLOW_AFTER = 500;
const WAITING_AFTER = 1200;

export function locale() {
  return document.documentElement.lang || undefined;
}

function isChinese() {
  return (locale() ?? "").toLowerCase().startsWith("zh");
}

/** The language that was forced, else the page's. */
export function languageOf(model) {
  return model.get("words").language || (isChinese() ? "zh" : "en");
}

/** Returns `say(key, values)` in the panel's language. */
export function translator(model) {
  const table = model.get("words")[languageOf(model)] ?? {};
  return (key, values = {}) => (table[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Four significant digits; whole numbers are grouped as the reader's locale does. */
export function formatNumber(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    const [mantissa, exponent] = value.toExponential(3).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  return Number.isInteger(value) ? formatCount(value) : String(Number(value.toPrecision(4)));
}

export function formatCount(value) {
  return value.toLocaleString(locale());
}

const CHINESE_UNITS = { d: "天", h: "小时", m: "分", s: "秒" };

/** Numbers with their units of time, as the page's language writes them: `2h 05m`, `2小时05分`. */
export function timeSpan(...parts) {
  return isChinese()
    ? parts.map(([value, unit]) => `${value}${CHINESE_UNITS[unit]}`).join("")
    : parts.map(([value, unit]) => `${value}${unit}`).join(" ");
}

export function formatTime(seconds, style = { hour: "numeric", minute: "2-digit" }) {
  return new Date(seconds * 1000).toLocaleTimeString(locale(), style);
}

export function make(tag, cls, parent, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  if (tag === "button") node.type = "button";
  parent?.append(node);
  return node;
}

export function makeSvg(tag, attributes, parent) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent?.append(node);
  return node;
}

/** Calls `act` on the events of a model until `signal` aborts. */
export function follow(source, events, act, signal) {
  for (const event of events.split(" ")) {
    source.on(event, act);
    signal.addEventListener("abort", () => source.off(event, act));
  }
}

/**
 * Sends messages, and notices when their answer is late. The kernel's traits count them: `heard` when they have arrived,
 * `seen` when they are answered. `onWaiting(key)` names what to say: "loading" when the answer takes its time, "waiting"
 * when the kernel does not even hear (it does so only between cells), null when there is nothing to wait for.
 */
export class Line {
  constructor(model, signal, onWaiting = () => {}) {
    Object.assign(this, { model, onWaiting, isWaiting: false });
    follow(model, "change:heard", () => this.hear(), signal);
    follow(model, "change:seen", () => this.settle(), signal);
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  send(message) {
    this.model.send(message);
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.sayLater("waiting", WAITING_AFTER);
  }

  sayLater(key, delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onWaiting(key), delay);
  }

  hear() {
    if (this.isWaiting) this.sayLater("loading", SLOW_AFTER);
  }

  settle() {
    clearTimeout(this.timer);
    this.isWaiting = false;
    this.onWaiting(null);
  }
}

/** Fills `parent` with what stands in place of content: {kind: loading | empty | error, key, hint, values, text}. */
export function drawNotice(parent, notice, say, retry) {
  parent.replaceChildren();
  parent.className = `aiplat-notice${notice ? ` aiplat-notice-${notice.kind}` : ""}`;
  parent.setAttribute("role", notice?.kind === "error" ? "alert" : "status");
  if (!notice) return;
  if (notice.kind === "loading") makeSkeleton(parent);
  make("div", "aiplat-notice-text", parent, say(notice.key, notice.values));
  if (notice.hint) make("div", "aiplat-notice-hint", parent, say(notice.hint, notice.values));
  if (notice.text) make("div", "aiplat-notice-hint", parent, notice.text);
  if (notice.kind === "error") make("button", "aiplat-button", parent, say("retry")).onclick = retry;
}

function makeSkeleton(parent) {
  const svg = makeSvg("svg", { viewBox: "0 0 100 40", preserveAspectRatio: "none", class: "aiplat-skeleton" }, parent);
  makeSvg("path", { d: "M0,4 C12,30 25,32 45,34 S80,37 100,37" }, svg);
}
