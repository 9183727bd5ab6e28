// Which line is which: a row of buttons that hide curves, and the rest of them behind one that unfolds it.

import { formatCount, make, makeSvg } from "./page.mjs";

const MAX_COLOURED = 16;
const DASHES = { solid: "none", dashed: "5,3", dotted: "1,3", dash_dotted: "5,2,1,2" };

export function swatch(curve) {
  const svg = makeSvg("svg", { width: 18, height: 8, "aria-hidden": "true" });
  const line = makeSvg("line", { x1: 0, y1: 4, x2: 18, y2: 4, "stroke-width": 2 }, svg);
  line.style.stroke = curve.color;
  line.style.strokeDasharray = DASHES[curve.dash];
  return svg;
}

/** What a curve is called: in words where it has some, and of which rank it is. */
export function nameOf({ name, word, values, place }, say) {
  return word ? [say(word, values), place].filter(Boolean).join(" · ") : name;
}

/** Whether only some of the curves have colours, so that pointing at one brings its own out. */
export function isCrowded(curves) {
  return curves.length > MAX_COLOURED;
}

export class Legend {
  constructor(head, model, line, say, signal) {
    Object.assign(this, { model, line, say });
    this.row = make("div", "aiplat-legend", head);
    this.row.setAttribute("role", "group");
    this.more = make("button", "aiplat-legend-more", head);
    this.more.setAttribute("aria-expanded", "false");
    this.more.onclick = () => this.unfold(!this.isOpen);
    const close = (event) => this.isOpen && !head.contains(event.target) && this.unfold(false);
    document.addEventListener("pointerdown", close, { signal });
    head.addEventListener("keydown", (event) => this.onKey(event), { signal });
  }

  get isOpen() {
    return this.row.classList.contains("aiplat-open");
  }

  /** Draws what has changed: a button must outlive the points that come between press and release. */
  draw() {
    const curves = this.model.get("curves");
    const said = JSON.stringify(curves.map(({ key, name, color, dash, hidden }) => [key, name, color, dash, hidden]));
    if (said === this.said) return;
    this.said = said;
    const focused = this.row.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    this.row.replaceChildren(...curves.map((curve) => this.entry(curve, isCrowded(curves))));
    if (focused !== undefined) Array.from(this.row.children).find((each) => each.dataset.key === focused)?.focus();
    this.fit();
  }

  entry(curve, crowded) {
    const button = make("button", "aiplat-legend-entry");
    button.dataset.key = curve.key;
    button.setAttribute("aria-pressed", String(!curve.hidden));
    button.title = this.say(crowded ? "legend_hint_crowded" : "legend_hint", { name: nameOf(curve, this.say) });
    button.append(swatch(curve));
    make("span", "", button, nameOf(curve, this.say));
    const send = (kind, key = curve.key) => this.line.send({ kind, key });
    button.onclick = (event) => send(event.altKey ? "solo" : event.shiftKey && crowded ? "keep" : "toggle");
    button.ondblclick = () => send("solo");
    if (crowded) {
      button.onpointerenter = button.onfocus = () => send("hover");
      button.onpointerleave = button.onblur = () => send("hover", null);
    }
    return button;
  }

  /** Says how many entries have no room in the row. */
  fit() {
    const { offsetTop, offsetHeight } = this.row;
    const below = (entry) => entry.offsetTop >= offsetTop + offsetHeight;
    const hidden = this.isOpen ? 0 : Array.from(this.row.children).filter(below).length;
    this.more.hidden = !this.isOpen && hidden === 0;
    this.more.textContent = this.isOpen ? "▴" : `+${formatCount(hidden)}`;
    const label = this.isOpen ? this.say("legend_less") : this.say("legend_more", { n: formatCount(hidden) });
    this.more.title = label;
    this.more.setAttribute("aria-label", label);
  }

  unfold(wanted) {
    this.row.classList.toggle("aiplat-open", wanted);
    this.more.setAttribute("aria-expanded", String(wanted));
    this.fit();
  }

  onKey(event) {
    if (event.key !== "Escape" || !this.isOpen) return;
    event.stopPropagation();
    this.unfold(false);
    this.more.focus();
  }
}
