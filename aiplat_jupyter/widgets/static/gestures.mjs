// Gestures over a chart: drag, Shift-drag, Alt-wheel, double click, keys.

import { zoomed } from "./ticks.mjs";

const DRAG_MIN = 4;
const WHEEL_PAUSE = 150;

export function onPointer(chart, signal) {
  const { plot, brush } = chart;
  let drag = null;
  const pixel = (event) => event.clientX - plot.getBoundingClientRect().left;
  const clamp = (x) => Math.min(Math.max(x, 0), plot.clientWidth);

  plot.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0 || chart.model.get("notice")) return;
      plot.focus({ preventScroll: true, focusVisible: false });
      plot.setPointerCapture(event.pointerId);
      drag = { from: pixel(event), pan: event.shiftKey, view: chart.view };
    },
    { signal },
  );

  plot.addEventListener(
    "pointermove",
    (event) => {
      const here = pixel(event);
      if (!drag) return chart.point(chart.toX(clamp(here)));
      if (drag.pan) return panTo(drag, here);
      const [left, right] = [drag.from, clamp(here)].sort((a, b) => a - b);
      Object.assign(brush.style, { display: "block", left: `${left}px`, width: `${right - left}px` });
    },
    { signal },
  );

  const panTo = ({ from, view: [low, high] }, here) => {
    const shift = ((from - here) / plot.clientWidth) * (high - low);
    chart.moveTo([low + shift, high + shift]);
  };

  const release = (event) => {
    const { from, pan, view } = drag;
    const here = pixel(event);
    cancel();
    if (Math.abs(here - from) < DRAG_MIN) return;
    if (pan) return chart.show(chart.view);
    const ends = [from, clamp(here)]
      .sort((a, b) => a - b)
      .map((x) => view[0] + (x / plot.clientWidth) * (view[1] - view[0]));
    chart.show(ends);
  };

  const cancel = () => {
    drag = null;
    brush.style.display = "none";
  };

  const abort = () => {
    if (drag?.pan) chart.moveTo(drag.view);
    chart.pin = undefined;
    cancel();
  };

  plot.addEventListener("pointerup", (event) => drag && release(event), { signal });
  plot.addEventListener("pointercancel", abort, { signal });
  plot.addEventListener("pointerleave", () => drag || chart.unpoint(), { signal });
  plot.addEventListener("dblclick", () => chart.show(null), { signal });
  return { abort };
}

export function onWheel(chart, signal) {
  let timer;
  let burst = false;
  chart.plot.addEventListener(
    "wheel",
    (event) => {
      if (!event.altKey || chart.model.get("notice")) return;
      event.preventDefault();
      const { left, width } = chart.plot.getBoundingClientRect();
      if (!burst) chart.remember();
      burst = true;
      chart.moveTo(zoomed(chart.view, Math.exp(Math.sign(event.deltaY) * 0.2), (event.clientX - left) / width));
      clearTimeout(timer);
      timer = setTimeout(() => {
        burst = false;
        chart.show(chart.view, false);
      }, WHEEL_PAUSE);
    },
    { signal, passive: false },
  );
}

export function onKeys(chart, pointer, signal) {
  const keys = {
    ArrowLeft: (event) => (event.shiftKey ? chart.panBy(-0.1) : chart.moveCrosshair(-1)),
    ArrowRight: (event) => (event.shiftKey ? chart.panBy(0.1) : chart.moveCrosshair(1)),
    "+": () => chart.show(zoomed(chart.view, 0.5, crosshairShare(chart))),
    "=": () => chart.show(zoomed(chart.view, 0.5, crosshairShare(chart))),
    "-": () => chart.show(zoomed(chart.view, 2, crosshairShare(chart))),
    0: () => chart.show(null),
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
