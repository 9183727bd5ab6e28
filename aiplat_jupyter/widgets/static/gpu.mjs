// A card for each GPU and one for its machine: meters, temperature and power, and who uses it.

import { follow, formatCount, formatTime, make, translator } from "./page.mjs";

const GIB = 2 ** 30;
/** Lines for users that a card has room for, used or not. */
const ROOM = 2;

/** `61.2`, `<0.1`, `1,024`: a size in GiB with one decimal at most. */
export function formatGiB(bytes) {
  const size = bytes / GIB;
  if (size > 0 && size < 0.05) return "<0.1";
  return size >= 100 ? formatCount(Math.round(size)) : size.toFixed(1).replace(/\.0$/, "");
}

/** Writes what differs, so that a hover or a selection outlives the next sample. */
function put(node, text, title = "") {
  if (node.textContent !== text) node.textContent = text;
  if (node.title !== title) node.title = title;
}

function setClass(node, name, wanted) {
  if (node.classList.contains(name) !== Boolean(wanted)) node.classList.toggle(name, Boolean(wanted));
}

class Meter {
  constructor(parent, say, word) {
    this.say = say;
    this.row = make("div", "aiplat-gpu-meter", parent);
    make("span", "aiplat-quiet", this.row, say(word));
    this.track = make("span", "aiplat-gpu-track", this.row);
    this.fill = make("span", "", this.track);
    this.track.setAttribute("role", "meter");
    this.track.setAttribute("aria-label", say(word));
    this.track.setAttribute("aria-valuemax", "100");
    this.value = make("span", "aiplat-number", this.row);
  }

  /** Shows a `share` in percent; without one the track is empty, and dashed. */
  draw({ share, text, title = "", look = false, color = null }) {
    const known = share !== null && share !== undefined;
    this.fill.style.width = `${known ? Math.min(100, Math.max(0, share)) : 0}%`;
    if (color) this.fill.style.background = color;
    setClass(this.track, "aiplat-gpu-unknown", !known);
    setClass(this.row, "aiplat-look", look);
    if (known) this.track.setAttribute("aria-valuenow", String(Math.round(share)));
    else this.track.removeAttribute("aria-valuenow");
    this.track.setAttribute("aria-valuetext", [text, title].filter(Boolean).join(", "));
    put(this.value, text, title);
  }
}

class GpuCard {
  constructor(parent, say) {
    this.say = say;
    this.node = make("section", "aiplat-gpu-card", parent);
    this.node.setAttribute("role", "listitem");
    const title = make("div", "aiplat-gpu-title", this.node);
    this.label = make("span", "aiplat-gpu-label", title);
    this.name = make("span", "aiplat-quiet aiplat-gpu-name", title);
    this.state = make("span", "aiplat-gpu-state", title);
    this.busy = new Meter(this.node, say, "gpu_utilization");
    this.memory = new Meter(this.node, say, "gpu_memory");
    const facts = make("div", "aiplat-gpu-facts", this.node);
    this.signs = make("span", "aiplat-gpu-signs", facts);
    this.temperature = make("span", "aiplat-number", facts);
    this.power = make("span", "aiplat-number", facts);
    this.users = make("div", "aiplat-gpu-users", this.node);
    this.more = make("button", "aiplat-gpu-more", this.node);
    this.more.onclick = () => this.unfold(!this.isOpen);
  }

  unfold(isOpen) {
    this.isOpen = isOpen;
    this.more.setAttribute("aria-expanded", String(isOpen));
    this.drawUsers(this.card);
  }

  draw(card) {
    this.card = card;
    this.node.setAttribute("aria-label", `${card.label}, ${card.name}`);
    this.label.style.borderColor = card.color ?? "transparent";
    put(this.label, card.label, card.key);
    put(this.name, card.name, this.told(card));
    put(this.state, card.lost ? `✕ ${this.say("lost")}` : "", card.lost ? this.say("gpu_lost_hint") : "");
    this.drawMeters(card);
    this.drawReading(this.temperature, card.temperature, "°C", "gpu_temperature");
    setClass(this.temperature, "aiplat-look", card.temperature.look);
    this.drawReading(this.power, card.power, "W", "gpu_power");
    this.drawSigns(card.signs);
    this.drawUsers(card);
  }

  told(card) {
    const facts = card.facts.map(({ word, value, unit }) => `${this.say(word)} ${formatCount(Math.round(value))} ${unit}`);
    return [card.full, ...facts, card.key].join("\n");
  }

  drawMeters({ utilization, memory, color, unified }) {
    const { say } = this;
    const busy = utilization.value;
    this.busy.draw({
      share: busy,
      text: busy === null ? "–" : say("percent", { n: Math.round(busy) }),
      title: utilization.why && say(utilization.why),
      color,
    });
    const total = memory.total ? ` / ${formatGiB(memory.total)}` : "";
    this.memory.draw({
      share: memory.share,
      text: memory.value === null ? "–" : `${formatGiB(memory.value)}${total} GiB`,
      title: [memory.why && say(memory.why), unified && say("gpu_unified")].filter(Boolean).join(" "),
      look: memory.look,
      color,
    });
  }

  drawReading(node, { value, why, limit }, unit, word) {
    const most = limit ? ` / ${formatCount(Math.round(limit))} ${unit}` : "";
    const title = value === null ? `${this.say(word)}: ${this.say(why)}` : `${this.say(word)}${most}`;
    put(node, value === null ? "–" : `${formatCount(Math.round(value))} ${unit}`, title);
    node.setAttribute("aria-label", value === null ? title : `${this.say(word)} ${node.textContent}`);
  }

  drawSigns(signs) {
    const said = JSON.stringify(signs);
    if (said === this.signed) return;
    this.signed = said;
    this.signs.replaceChildren();
    for (const { word, level, values } of signs) {
      const icon = { broken: "✕ ", look: "⚠ ", quiet: "" }[level];
      const sign = make("span", `aiplat-${level}`, this.signs, icon + this.say(word, values));
      sign.title = this.say(`${word}_hint`);
    }
  }

  drawUsers(card) {
    const said = JSON.stringify([card.users, card.nobody, this.isOpen]);
    if (said === this.used) return;
    this.used = said;
    const isCrowded = card.users.length > ROOM;
    const few = isCrowded ? ROOM - 1 : ROOM;
    const shown = this.isOpen ? card.users : card.users.slice(0, few);
    this.users.replaceChildren(...shown.map((user) => this.user(user)));
    if (shown.length === 0) this.users.append(this.nobody(card.nobody));
    this.more.hidden = !isCrowded;
    put(this.more, this.isOpen ? this.say("legend_less") : this.say("gpu_more", { n: formatCount(card.users.length - few) }));
  }

  nobody({ word, why }) {
    const node = make("div", "aiplat-gpu-user aiplat-quiet");
    put(make("span", "", node), word && this.say(word));
    if (why) node.title = this.say(why);
    return node;
  }

  user({ kind, who, name, pid, username, memory }) {
    const { say } = this;
    const node = make("div", "aiplat-gpu-user");
    const process = pid ? say("gpu_process", { pid, name: [name, username].filter(Boolean).join(", ") }) : "";
    const called = who ? who.text || say(who.word) : kind === "foreign" ? say("gpu_foreign", { pid }) : name || process;
    const text = make("span", who ? "" : "aiplat-quiet", node, called);
    const lease = kind === "lease" ? say("gpu_lease") : "";
    text.title = [who?.full || called, lease, kind === "foreign" ? say("gpu_foreign_hint") : process]
      .filter(Boolean)
      .join("\n");
    if (memory) {
      const size = memory.value === null ? "–" : `${formatGiB(memory.value)} GiB`;
      put(make("span", "aiplat-number aiplat-quiet", node), size, memory.why && say(memory.why));
    } else if (lease) make("span", "aiplat-quiet", node, lease);
    return node;
  }
}

class HostCard {
  constructor(parent, say) {
    this.say = say;
    this.node = make("section", "aiplat-gpu-card", parent);
    this.node.setAttribute("role", "listitem");
    const title = make("div", "aiplat-gpu-title", this.node);
    this.label = make("span", "aiplat-gpu-label", title, say("gpu_host"));
    this.name = make("span", "aiplat-quiet aiplat-gpu-name", title);
    this.meters = new Map();
    this.body = make("div", "", this.node);
    this.load = make("div", "aiplat-gpu-facts aiplat-quiet", this.node);
  }

  draw({ name, meters, load }) {
    put(this.name, name, name);
    this.node.setAttribute("aria-label", `${this.say("gpu_host")} ${name}`);
    for (const meter of meters) {
      const { word, share, look = false } = meter;
      if (!this.meters.has(word)) this.meters.set(word, new Meter(this.body, this.say, word));
      this.meters.get(word).draw({ share, look, ...this.told(meter) });
    }
    put(this.load, this.say("gpu_load", { n: load.toFixed(2) }), this.say("gpu_load_hint"));
  }

  told({ share, value, total, cores, why }) {
    if (cores) return { text: this.say("percent", { n: Math.round(share) }), title: this.say("gpu_cores", { n: cores }) };
    if (value === null) return { text: "–", title: this.say(why) };
    return { text: `${formatGiB(value)} / ${formatGiB(total)} GiB` };
  }
}

class Cards {
  constructor(model, el) {
    Object.assign(this, { model, say: translator(model), shown: new Map() });
    el.classList.add("aiplat-gpu");
    el.setAttribute("data-lm-suppress-shortcuts", "true");
    this.head = make("div", "aiplat-gpu-head", el);
    this.head.setAttribute("role", "status");
    this.icon = make("span", "aiplat-gpu-icon", this.head);
    this.text = make("span", "", this.head);
    this.grid = make("div", "aiplat-gpu-grid", el);
    this.grid.setAttribute("role", "list");
    this.grid.setAttribute("aria-label", this.say("gpu_name"));
    this.grid.tabIndex = 0;
  }

  drawHead() {
    const { word, icon, values, at, why } = this.model.get("head");
    if (!word) return;
    const text = this.say(word, { ...values, n: formatCount(values.n), at: at === null ? "" : formatTime(at) });
    put(this.icon, icon);
    put(this.text, icon && why ? `${text} (${why})` : text, why);
    setClass(this.head, "aiplat-look", icon);
  }

  draw() {
    const cards = this.model.get("cards");
    const keys = new Set(cards.map(({ key }) => key));
    for (const [key, card] of this.shown) {
      if (!keys.has(key)) (card.node.remove(), this.shown.delete(key));
    }
    cards.forEach((card, place) => {
      if (!this.shown.has(card.key)) this.shown.set(card.key, this.made(card));
      const { node } = this.shown.get(card.key);
      if (this.grid.children[place] !== node) this.grid.insertBefore(node, this.grid.children[place] ?? null);
      this.shown.get(card.key).draw(card);
    });
  }

  made({ kind }) {
    return kind === "gpu" ? new GpuCard(this.grid, this.say) : new HostCard(this.grid, this.say);
  }
}

function render({ model, el }) {
  const life = new AbortController();
  const cards = new Cards(model, el);
  follow(model, "change:head", () => cards.drawHead(), life.signal);
  follow(model, "change:cards", () => cards.draw(), life.signal);
  cards.drawHead();
  cards.draw();
  return () => life.abort();
}

export default { render };
