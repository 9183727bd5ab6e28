// The row of controls under a panel, and its status line.

import { Line, follow, formatCount, formatTime, locale, make, translator } from "./page.mjs";

const THROTTLE = 100;
const TICK = 1000;

export function age(seconds, say) {
  if (seconds < 10) return say("ago", { n: Math.max(0, seconds).toFixed(1) });
  return seconds < 120 ? say("ago", { n: Math.round(seconds) }) : say("ago_minutes", { n: Math.round(seconds / 60) });
}

/** The status line's text; `passed` seconds have gone by since the kernel wrote `status`. */
export function statusText(status, passed, say) {
  const parts = [];
  if (status.kind === "live") parts.push(say("live"), ...(status.age === null ? [] : [age(status.age + passed, say)]));
  if (status.kind === "retrying") parts.push(say("retrying"));
  if (status.kind === "stale") parts.push(say("stale", { at: formatTime(status.at) }));
  if (status.kind === "ended") parts.push(say("ended", { word: say(status.word), at: formatTime(status.at) }));
  if (status.kind === "all_ended") parts.push(say("all_ended", { at: formatTime(status.at) }));
  if (status.cause) parts.push(status.cause);
  if (status.selected) parts.push(say("selected", { n: formatCount(status.selected) }));
  if (status.cut) parts.push(say("cut", { shown: formatCount(status.cut[0]), total: formatCount(status.cut[1]) }));
  return parts.join(" · ");
}

/** `GPU memory almost full · GPU 0 on box · 14:03 · 2 more`. */
export function alertText({ word, text, about, at, over, more }, say) {
  const parts = [word ? say(word) : text, about, formatTime(at)];
  if (over) parts.push(say("alert_over"));
  if (more > 0) parts.push(say("alert_more", { n: formatCount(more) }));
  return parts.filter(Boolean).join(" · ");
}

class Bar {
  constructor(model, el, signal) {
    Object.assign(this, { model, el, say: translator(model) });
    this.line = new Line(model, signal, (key) => this.warn(key));
    el.classList.add("aiplat-bar");
    el.setAttribute("data-lm-suppress-shortcuts", "true");
    this.fields = new Map();
    if (model.get("controls").length > 0) this.buildControls();
    this.foot = make("div", "aiplat-foot", el);
    this.icon = make("span", "aiplat-foot-icon", this.foot);
    this.icon.setAttribute("aria-hidden", "true");
    this.text = make("span", "aiplat-foot-text", this.foot);
    this.state = make("span", "aiplat-hidden", this.foot);
    this.state.setAttribute("role", "status");
    this.waiting = make("span", "aiplat-foot-waiting", this.foot);
    this.alert = make("span", "aiplat-foot-alert", this.foot);
    this.alert.setAttribute("role", "status");
    this.actions = make("span", "aiplat-foot-actions", this.foot);
  }

  buildControls() {
    const fold = make("button", "aiplat-fold", this.el, `${this.say("controls")} ▾`);
    fold.setAttribute("aria-expanded", "false");
    const row = make("div", "aiplat-controls", this.el);
    fold.onclick = () => fold.setAttribute("aria-expanded", String(row.classList.toggle("aiplat-open")));
    this.el.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !row.classList.contains("aiplat-open")) return;
      fold.click();
      fold.focus();
    });
    for (const control of this.model.get("controls")) this.fields.set(control.name, this.buildField(row, control));
  }

  buildField(row, control) {
    const label = make("label", `aiplat-field aiplat-field-${control.kind}`, row);
    if (control.kind !== "check" && control.label) make("span", "", label, this.say(control.label));
    const field = { choice: makeChoice, range: makeRange, check: makeCheck }[control.kind](label, control, this.say);
    if (control.kind === "check") make("span", "", label, this.say(control.label));
    if (!control.label) field.node.setAttribute("aria-label", this.say(control.name));
    const send = throttled(() => {
      field.isPending = false;
      this.line.send({ kind: "set", name: control.name, value: field.read() });
    });
    field.node.addEventListener("input", () => {
      field.isPending = true;
      send();
    });
    return field;
  }

  drawValues() {
    const values = this.model.get("values");
    for (const [name, field] of this.fields) {
      const { value, ...limits } = values[name] ?? {};
      if (value === undefined) continue;
      field.node.disabled = limits.disabled ?? false;
      for (const limit of ["min", "max", "step"]) if (limit in limits) field.node[limit] = limits[limit];
      if (!this.line.isWaiting && !field.isPending) field.write(value);
    }
  }

  drawStatus() {
    const status = this.model.get("status");
    this.written = performance.now();
    this.icon.textContent = status.icon ?? "";
    this.foot.dataset.kind = status.kind;
    const spoken = status.kind === "live" && !status.selected ? this.say("live") : statusText(status, 0, this.say);
    if (this.state.textContent !== spoken) {
      this.state.textContent = spoken;
      this.tick();
    }
    this.drawActions(status);
  }

  drawActions(status) {
    const said = `${status.stop} ${status.running}`;
    if (this.stoppable === said) return;
    this.stoppable = said;
    this.actions.replaceChildren();
    if (status.stop === "stopping") make("span", "aiplat-quiet", this.actions, this.say("stopping"));
    if (status.stop !== "stop") return;
    const word = status.running > 1 ? this.say("stop_all", { n: formatCount(status.running) }) : this.say("stop");
    const stop = make("button", "aiplat-button", this.actions, word);
    stop.title = this.say("stop_hint");
    stop.onclick = () => this.line.send({ kind: "stop" });
  }

  /** One line about an open alert, in the place that the status line leaves. */
  drawAlert() {
    const alert = this.model.get("alert");
    const said = JSON.stringify(alert);
    if (said === this.alerted) return;
    this.alerted = said;
    this.alert.replaceChildren();
    this.foot.classList.toggle("aiplat-foot-alerted", alert !== null);
    if (!alert) return;
    this.alert.dataset.level = alert.level;
    make("span", "aiplat-foot-icon", this.alert, alert.icon).setAttribute("aria-hidden", "true");
    const text = make("span", "aiplat-foot-text", this.alert, alertText(alert, this.say));
    text.title = [text.textContent, alert.why, new Date(alert.at * 1000).toLocaleString(locale())]
      .filter(Boolean)
      .join("\n");
    const seen = make("button", "aiplat-button", this.alert, this.say("acknowledge"));
    seen.title = this.say("acknowledge_hint");
    seen.onclick = () => {
      seen.disabled = true;
      this.line.send({ kind: "acknowledge", uid: alert.uid });
    };
  }

  tick() {
    const passed = (performance.now() - this.written) / 1000;
    const text = statusText(this.model.get("status"), passed, this.say);
    if (this.text.textContent !== text) this.text.textContent = this.text.title = text;
  }

  warn(key) {
    this.waiting.textContent = this.waiting.title = key ? this.say(key) : "";
    this.waiting.dataset.key = key ?? "";
    if (!key) this.drawValues();
  }
}

function makeChoice(label, control, say) {
  const node = make("select", "", label);
  for (const option of control.options) {
    make("option", "", node, say(option.replace("metric:", ""))).value = option;
  }
  return { node, read: () => node.value, write: (value) => (node.value = value) };
}

function makeRange(label) {
  const node = make("input", "", label);
  node.type = "range";
  const output = make("output", "aiplat-number", label);
  const show = () => (output.textContent = String(Number(Number(node.value).toPrecision(4))));
  node.addEventListener("input", show);
  return { node, read: () => Number(node.value), write: (value) => ((node.value = value), show()) };
}

function makeCheck(label) {
  const node = make("input", "", label);
  node.type = "checkbox";
  return { node, read: () => node.checked, write: (value) => (node.checked = value) };
}

function throttled(act) {
  let timer;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      act();
    }, THROTTLE);
  };
}

function render({ model, el }) {
  const life = new AbortController();
  const bar = new Bar(model, el, life.signal);
  follow(model, "change:values", () => bar.drawValues(), life.signal);
  follow(model, "change:status", () => bar.drawStatus(), life.signal);
  follow(model, "change:alert", () => bar.drawAlert(), life.signal);
  const timer = setInterval(() => bar.tick(), TICK);
  life.signal.addEventListener("abort", () => clearInterval(timer));
  bar.drawValues();
  bar.drawStatus();
  bar.drawAlert();
  return () => life.abort();
}

export default { render };
