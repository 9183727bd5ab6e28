// The list of projects and experiments, or of tasks: a tree with search, order, pages and selection.

import {
  Line,
  drawNotice,
  follow,
  formatCount,
  formatNumber,
  languageOf,
  locale,
  make,
  makeSvg,
  timeSpan,
  translator,
} from "./page.mjs";

const TYPING = 250;
/** Milliseconds in which a row's button is not pressed twice. */
const ACTING = 3000;
const SPARK = { width: 60, height: 16 };
const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export function ago(at, now = Date.now() / 1000) {
  const passed = Math.max(0, now - at);
  const [unit, size] = UNITS.find(([, seconds]) => passed >= seconds) ?? UNITS[3];
  return new Intl.RelativeTimeFormat(locale(), { numeric: "auto", style: "short" }).format(
    -Math.floor(passed / size),
    unit,
  );
}

/** The `d` of a sparkline's path; gaps where a value is null. */
export function sparkPath(values, { width, height }) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return "";
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const x = (i) => (values.length === 1 ? width / 2 : 1 + (i / (values.length - 1)) * (width - 2));
  const y = (value) => (high === low ? height / 2 : 1 + (1 - (value - low) / (high - low)) * (height - 2));
  const place = (value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`;
  const steps = values.map((value, i) => {
    if (value === null) return "";
    const starts = i === 0 || values[i - 1] === null;
    return starts ? `M${place(value, i)}${values[i + 1] == null ? "h0.1" : ""}` : `L${place(value, i)}`;
  });
  return steps.join("");
}

/** The selection after a click on `uid`: alone, toggled (ctrl) or up to it from `anchor` (shift). */
export function selection(selected, uid, order, anchor, { toggle, range }) {
  if (range && order.includes(anchor)) {
    const [from, to] = [order.indexOf(anchor), order.indexOf(uid)].sort((a, b) => a - b);
    return order.slice(from, to + 1);
  }
  if (!toggle) return selected.length === 1 && selected[0] === uid ? [] : [uid];
  return selected.includes(uid) ? selected.filter((each) => each !== uid) : [...selected, uid];
}

class List {
  constructor(model, el, signal) {
    Object.assign(this, { model, el, say: translator(model), nodes: new Map(), texts: model.get("texts") });
    this.language = languageOf(model);
    this.line = new Line(model, signal);
    el.classList.add("aiplat-list");
    el.setAttribute("data-lm-suppress-shortcuts", "true");
    this.buildHead();
    this.tree = make("div", "aiplat-tree", el);
    this.tree.setAttribute("role", "tree");
    this.tree.setAttribute("aria-multiselectable", "true");
    this.tree.setAttribute("aria-label", this.say(this.texts.name));
    this.notice = make("div", "aiplat-notice", el);
    this.tree.addEventListener("click", (event) => this.onClick(event), { signal });
    el.addEventListener("keydown", (event) => this.onKey(event), { signal });
    this.selected = model.get("selected");
  }

  buildHead() {
    const head = make("div", "aiplat-list-head", this.el);
    this.search = make("input", "aiplat-search", head);
    Object.assign(this.search, { type: "search", placeholder: this.say(this.texts.search) });
    this.search.setAttribute("aria-label", this.say(this.texts.search));
    this.search.value = this.model.get("look").q ?? "";
    let timer;
    this.search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.line.send({ kind: "search", q: this.search.value }), TYPING);
    });
    this.sort = make("select", "aiplat-sort", head);
    this.sort.setAttribute("aria-label", this.say("sort"));
    for (const sort of this.model.get("sorts")) make("option", "", this.sort, this.say(sort)).value = sort;
    this.sort.addEventListener("change", () => this.line.send({ kind: "sort", sort: this.sort.value }));
  }

  // Drawing: a row's node is kept as long as the row says the same

  draw() {
    const rows = this.model.get("rows");
    const focused = this.focused();
    const nodes = rows.map((row) => this.node(row));
    const kept = new Set(rows.map((row) => row.key));
    for (const key of this.nodes.keys()) if (!kept.has(key)) this.nodes.delete(key);
    if (nodes.length !== this.tree.childNodes.length || nodes.some((node, i) => node !== this.tree.childNodes[i])) {
      this.tree.replaceChildren(...nodes);
    }
    this.mark();
    const active = this.items.find((node) => node.dataset.key === (focused?.key ?? this.active)) ?? this.items[0];
    this.activate(active, focused !== null);
    if (focused && focused.button >= 0) active?.querySelectorAll("button")[focused.button]?.focus();
  }

  /** Which row has the focus, and which of its buttons (-1: the row itself); null: none. */
  focused() {
    const at = document.activeElement;
    if (!this.tree.contains(at)) return null;
    const row = at.closest(".aiplat-row");
    return { key: row?.dataset.key, button: row ? Array.from(row.querySelectorAll("button")).indexOf(at) : -1 };
  }

  tick() {
    for (const when of this.tree.querySelectorAll(".aiplat-when")) when.dispatchEvent(new Event("tick"));
  }

  node(row) {
    const said = JSON.stringify(row);
    const known = this.nodes.get(row.key);
    if (known?.said === said) return known.node;
    const node = make("div", `aiplat-row aiplat-row-${row.kind}`);
    node.dataset.key = row.key;
    DRAW[row.kind](node, row, this);
    this.nodes.set(row.key, { said, node });
    return node;
  }

  get items() {
    return Array.from(this.tree.querySelectorAll('[role="treeitem"]'));
  }

  mark() {
    for (const node of this.items) {
      if (node.dataset.uid) node.setAttribute("aria-selected", String(this.selected.includes(node.dataset.uid)));
    }
  }

  activate(node, focus) {
    if (!node) return;
    for (const each of this.items) each.tabIndex = each === node ? 0 : -1;
    this.active = node.dataset.key;
    if (focus) node.focus({ preventScroll: false });
  }

  // Acting

  onClick(event) {
    const node = event.target.closest('[role="treeitem"]');
    if (!node || event.target.closest("button")) return;
    this.activate(node, true);
    this.act(node, { toggle: event.ctrlKey || event.metaKey, range: event.shiftKey });
  }

  act(node, how) {
    if (node.dataset.project) return this.open(node, node.getAttribute("aria-expanded") !== "true");
    const order = this.items.map((each) => each.dataset.uid).filter(Boolean);
    this.select(selection(this.selected, node.dataset.uid, order, this.anchor, how));
    if (!how.range) this.anchor = node.dataset.uid;
  }

  select(uids) {
    this.selected = uids;
    this.mark();
    this.line.send({ kind: "select", uids });
  }

  open(node, wanted) {
    this.line.send({ kind: "open", uid: node.dataset.project, open: wanted });
  }

  onKey(event) {
    if (event.target === this.search) return this.onSearchKey(event);
    if (event.key === "/") return this.stop(event, () => this.search.focus());
    const node = event.target.closest?.('[role="treeitem"]');
    if (!node || (event.target.closest("button") && [" ", "Enter"].includes(event.key))) return;
    const act = this.keys(node, event)[event.key];
    if (act) this.stop(event, act);
  }

  keys(node, event) {
    const items = this.items;
    const at = items.indexOf(node);
    const go = (i) => this.activate(items[Math.min(items.length - 1, Math.max(0, i))], true);
    const isOpen = node.getAttribute("aria-expanded") === "true";
    const parent = () =>
      items
        .slice(0, at)
        .reverse()
        .find((each) => each.dataset.project);
    const act = () =>
      this.act(node, { toggle: event.ctrlKey || event.metaKey || event.key === " ", range: event.shiftKey });
    return {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      Home: () => go(0),
      End: () => go(items.length - 1),
      ArrowRight: () => (node.dataset.project && !isOpen ? this.open(node, true) : go(at + 1)),
      ArrowLeft: () => (node.dataset.project && isOpen ? this.open(node, false) : this.activate(parent(), true)),
      Enter: act,
      " ": act,
      Escape: () => this.select([]),
    };
  }

  onSearchKey(event) {
    if (event.key === "ArrowDown") this.stop(event, () => this.activate(this.items[0], true));
    if (event.key !== "Escape" || !this.search.value) return;
    this.stop(event, () => {
      this.search.value = "";
      this.line.send({ kind: "search", q: "" });
    });
  }

  stop(event, act) {
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

// Rows

function item(node, level, label) {
  node.setAttribute("role", "treeitem");
  node.setAttribute("aria-level", level);
  node.setAttribute("aria-label", label);
  node.tabIndex = -1;
}

function drawProject(node, row, list) {
  const count = list.say("experiments", { n: formatCount(row.count) });
  item(node, 1, `${row.name}, ${count}`);
  node.setAttribute("aria-expanded", String(row.open));
  node.dataset.project = row.uid;
  node.title = row.description || row.name;
  make("span", "aiplat-twist", node, row.open ? "▾" : "▸").setAttribute("aria-hidden", "true");
  make("span", "aiplat-name", node, row.name);
  if (row.running > 0) {
    make("span", "aiplat-state aiplat-state-running", node, `● ${formatCount(row.running)} ${list.say("running")}`);
  }
  make("span", "aiplat-number aiplat-quiet", node, formatCount(row.count)).title = count;
}

function drawExperiment(node, row, list) {
  const word = list.say(row.word);
  const last = row.diverged ? "NaN" : row.last === null ? "" : formatNumber(row.last);
  item(node, row.level, `${row.name}, ${word}${last && `, ${row.metric} ${last}`}`);
  node.dataset.uid = row.uid;
  const state = make("span", `aiplat-state aiplat-state-${row.status}`, node);
  make("span", "aiplat-icon", state, row.icon).setAttribute("aria-hidden", "true");
  make("span", "aiplat-word", state, word);
  state.title = [word, row.cause].filter(Boolean).join(": ");
  const name = make("span", "aiplat-name", node, row.name);
  name.title = row.name;
  if (row.project) make("span", "aiplat-project aiplat-quiet", node, row.project);
  drawSpark(node, row);
  make("span", `aiplat-number aiplat-last${row.diverged ? " aiplat-broken" : ""}`, node, last).title = row.metric;
  drawTime(node, row.at, () => ago(row.at));
}

/** `12s`, `5m 09s`, `2h 05m`; in Chinese `12秒`, `5分09秒`, `2小时05分`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return timeSpan([hours, "h"], [two(minutes), "m"]);
  return minutes > 0 ? timeSpan([minutes, "m"], [two(whole % 60), "s"]) : timeSpan([whole, "s"]);
}

/** How long it runs or ran and how long ago it ended; while it waits, since when. */
export function taskTime({ start, end, at }, now = Date.now() / 1000) {
  const took = start === null ? "" : duration((end ?? now) - start);
  const since = end ?? (start === null ? at : null);
  return [took, since === null ? "" : ago(since, now)].filter(Boolean).join(" · ");
}

/** A time as the reader's clock has it; with its day if that is another one than today. */
export function clock(at, now = Date.now() / 1000) {
  const [then, today] = [at, now].map((seconds) => new Date(seconds * 1000));
  return then.toDateString() === today.toDateString()
    ? then.toLocaleTimeString(locale())
    : then.toLocaleString(locale());
}

/** Draw a time that is told anew with each tick. */
function drawTime(node, at, tell) {
  const when = make("span", "aiplat-when aiplat-quiet", node, tell());
  when.title = new Date(at * 1000).toLocaleString(locale());
  when.addEventListener("tick", () => (when.textContent = tell()));
}

function drawTask(node, row, list) {
  const word = row.word[list.language];
  const why = row.why[list.language].replace("{due}", () => clock(row.due));
  item(node, 1, [row.name, word, why].filter(Boolean).join(", "));
  node.dataset.uid = row.uid;
  const state = make("span", `aiplat-state aiplat-state-${row.status}`, node);
  make("span", "aiplat-icon", state, row.icon).setAttribute("aria-hidden", "true");
  make("span", "aiplat-word", state, word);
  make("span", "aiplat-name", node, row.name).title = row.name;
  make("span", "aiplat-project aiplat-quiet", node, row.project);
  const about = make("span", "aiplat-about aiplat-quiet", node);
  if (row.share !== null) {
    make("span", "", make("span", "aiplat-share", about)).style.width = `${row.share * 100}%`;
    make("span", "aiplat-number", about, list.say("percent", { n: Math.floor(row.share * 100) }));
  }
  if (why) Object.assign(make("span", "aiplat-why", about, why), { title: why }).dataset.reason = row.reason;
  drawTime(node, row.end ?? row.start ?? row.at, () => taskTime(row));
  if (row.act) {
    const button = make("button", "aiplat-button", node, list.say(row.act.word));
    button.onclick = () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      // Not `disabled`, which would take the focus away; what was refused may be tried again.
      button.setAttribute("aria-disabled", "true");
      setTimeout(() => button.removeAttribute("aria-disabled"), ACTING);
      list.line.send({ kind: "act", verb: row.act.verb, uid: row.uid });
    };
  }
}

function drawSpark(node, row) {
  const svg = makeSvg(
    "svg",
    { ...SPARK, viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, class: "aiplat-spark", "aria-hidden": "true" },
    node,
  );
  makeSvg("path", { d: sparkPath(row.spark, SPARK) }, svg).style.stroke = row.color;
}

function drawPager(node, row, list) {
  const turn = (way, sign, enabled) => {
    const button = make("button", "aiplat-button", node, sign);
    button.disabled = !enabled;
    button.setAttribute("aria-label", list.say(way > 0 ? "next_page" : "previous_page"));
    button.onclick = () => list.line.send({ kind: "page", section: row.section, way });
  };
  turn(-1, "‹", row.back);
  const n = { from: formatCount(row.from), to: formatCount(row.to), total: formatCount(row.total) };
  make("span", "aiplat-quiet", node, list.say("page", n));
  turn(1, "›", row.on);
}

function drawNote(node, row, list) {
  make("span", "aiplat-quiet", node, list.say(row.text));
}

const DRAW = { project: drawProject, experiment: drawExperiment, task: drawTask, pager: drawPager, note: drawNote };

function render({ model, el }) {
  const life = new AbortController();
  const list = new List(model, el, life.signal);
  const drawEmptiness = () =>
    drawNotice(list.notice, model.get("notice"), list.say, () => list.line.send({ kind: "retry" }));
  follow(model, "change:rows", () => list.draw(), life.signal);
  follow(model, "change:notice", drawEmptiness, life.signal);
  follow(model, "change:selected", () => ((list.selected = model.get("selected")), list.mark()), life.signal);
  follow(model, "change:look", () => (list.sort.value = model.get("look").sort), life.signal);
  const timer = setInterval(() => list.tick(), 1000);
  life.signal.addEventListener("abort", () => clearInterval(timer));
  list.draw();
  drawEmptiness();
  return () => life.abort();
}

export default { render };
