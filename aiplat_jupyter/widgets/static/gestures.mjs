// Gestures over a chart: drag (along x, along y, or a box), Shift-drag, Alt-wheel, double click, keys.

import { zoomed } from "./ticks.mjs";

const DRAG_MIN = 4;
const BOX_MIN = 32;
const WHEEL = 0.002;
const WHEEL_PAUSE = 150;
const STILL = 1500;

const within = (value, most) => Math.min(Math.max(value, 0), most);

/** What a drag by (dx, dy) pixels marks out: null is an axis that stays. A hand does not move quite straight. */
export function marked(from, to) {
  const [dx, dy] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
  const tall = dy >= BOX_MIN;
  const wide = dx >= (tall ? BOX_MIN : DRAG_MIN);
  const span = (one, other) => [Math.min(one, other), Math.max(one, other)];
  return { x: wide ? span(from.x, to.x) : null, y: tall ? span(from.y, to.y) : null };
}

export function onPointer(chart, signal) {
  const { plot, brush } = chart;
  let drag = null;
  const place = (event) => {
    const { left, top } = plot.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const inside = ({ x, y }) => ({ x: within(x, plot.clientWidth), y: within(y, plot.clientHeight) });

  plot.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0 || chart.model.get("notice")) return;
      plot.focus({ preventScroll: true, focusVisible: false });
      plot.setPointerCapture(event.pointerId);
      drag = { from: place(event), pan: event.shiftKey, view: chart.view, viewY: chart.viewY };
    },
    { signal },
  );

  plot.addEventListener(
    "pointermove",
    (event) => {
      const here = place(event);
      chart.movedAt = event.timeStamp;
      if (!drag) return chart.point(chart.toX(inside(here).x), here.y);
      if (drag.pan) return panTo(drag, here);
      drawBrush(marked(drag.from, inside(here)));
    },
    { signal },
  );

  const drawBrush = ({ x, y }) => {
    const [left, right] = x ?? [0, plot.clientWidth];
    const [top, bottom] = y ?? [0, plot.clientHeight];
    const box = { left: `${left}px`, width: `${right - left}px`, top: `${top}px`, height: `${bottom - top}px` };
    Object.assign(brush.style, { display: x || y ? "block" : "none", ...box });
  };

  const panTo = ({ from, view: [low, high], viewY: [bottom, top] }, here) => {
    const across = ((from.x - here.x) / plot.clientWidth) * (high - low);
    const up = ((here.y - from.y) / plot.clientHeight) * (top - bottom);
    chart.moveTo({ x: [low + across, high + across], y: chart.zoom.y && [bottom + up, top + up] });
  };

  const release = (event) => {
    const { from, pan, view, viewY } = drag;
    const { x, y } = marked(from, inside(place(event)));
    cancel();
    if (!x && !y) return;
    if (pan) return chart.show({ x: chart.view, y: chart.zoom.y && chart.viewY });
    const share = ([one, other], size, [low, high]) =>
      [one, other].map((pixel) => low + (pixel / size) * (high - low));
    chart.show({
      ...(x && { x: share(x, plot.clientWidth, view) }),
      ...(y && { y: share(y, plot.clientHeight, [viewY[1], viewY[0]]).reverse() }),
    });
  };

  const cancel = () => {
    drag = null;
    brush.style.display = "none";
  };

  const abort = () => {
    if (drag?.pan) chart.moveTo({ x: drag.view, y: drag.viewY });
    chart.pin = undefined;
    cancel();
  };

  plot.addEventListener("pointerup", (event) => drag && release(event), { signal });
  plot.addEventListener("pointercancel", abort, { signal });
  // The browser would carry selected text away instead, and end the gesture.
  plot.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
  plot.addEventListener("pointerleave", () => drag || chart.unpoint(), { signal });
  plot.addEventListener("dblclick", () => chart.reset(), { signal });
  return { abort };
}

export function onWheel(chart, signal) {
  let timer;
  let burst = false;
  chart.plot.addEventListener(
    "wheel",
    (event) => {
      if (chart.model.get("notice")) return;
      if (!event.altKey) return event.timeStamp - chart.movedAt < STILL && chart.showHint();
      event.preventDefault();
      const { left, width } = chart.plot.getBoundingClientRect();
      if (!burst) chart.remember();
      burst = true;
      const factor = Math.exp(Math.min(Math.max(event.deltaY, -100), 100) * WHEEL);
      chart.moveTo({ x: zoomed(chart.view, factor, (event.clientX - left) / width) });
      clearTimeout(timer);
      timer = setTimeout(() => {
        burst = false;
        chart.show({ x: chart.view }, false);
      }, WHEEL_PAUSE);
    },
    { signal, passive: false },
  );
}

export function onKeys(chart, pointer, signal) {
  const keys = {
    ArrowLeft: (event) => (event.shiftKey ? chart.panBy(-0.1) : chart.moveCrosshair(-1)),
    ArrowRight: (event) => (event.shiftKey ? chart.panBy(0.1) : chart.moveCrosshair(1)),
    ArrowUp: () => chart.show({ y: zoomed(chart.viewY, 0.5) }),
    ArrowDown: () => chart.show({ y: zoomed(chart.viewY, 2) }),
    Home: () => chart.moveCrosshair(-Infinity),
    End: () => chart.moveCrosshair(Infinity),
    "+": () => chart.show({ x: zoomed(chart.view, 0.5, crosshairShare(chart)) }),
    "=": () => chart.show({ x: zoomed(chart.view, 0.5, crosshairShare(chart)) }),
    "-": () => chart.show({ x: zoomed(chart.view, 2, crosshairShare(chart)) }),
    0: () => chart.reset(),
    Escape: () => (pointer.abort(), chart.unpoint()),
  };
  chart.plot.addEventListener(
    "keydown",
    (event) => {
      const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
      const act = undo ? () => chart.undoZoom() : event.ctrlKey || event.metaKey ? undefined : keys[event.key];
      if (!act || chart.model.get("notice")) return;
      event.preventDefault();
      event.stopPropagation();
      act(event);
    },
    { signal },
  );
}

function crosshairShare(chart) {
  return chart.at === null ? 0.5 : chart.toPixel(chart.at) / chart.plot.clientWidth;
}
