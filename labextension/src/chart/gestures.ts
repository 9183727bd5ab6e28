/** What the pointer and the keys ask of a chart. Places are fractions of the plotting area's width or height. */

export interface Place {
  readonly x: number;
  readonly y: number;
}

type Span = readonly [number, number];

/** What was dragged out; a direction that is null was not meant. Fractions from the left and from the top. */
export interface Box {
  readonly x: Span | null;
  readonly y: Span | null;
}

export type Intent =
  | { readonly kind: 'hover'; readonly at: Place | null }
  /** A box is being dragged out; null when it is given up. */
  | { readonly kind: 'select'; readonly box: Box | null }
  | { readonly kind: 'zoom'; readonly box: Box }
  /** Length times `factor`, about `pivot` (null: the crosshair). */
  | { readonly kind: 'scale'; readonly factor: number; readonly pivot: number | null }
  /** Height times `factor`, about the middle. */
  | { readonly kind: 'heighten'; readonly factor: number }
  /** By so much of the length, and (where the values are zoomed) of the height upwards. */
  | { readonly kind: 'pan'; readonly by: number; readonly up: number }
  /** Move the crosshair by so many buckets. */
  | { readonly kind: 'step'; readonly by: number }
  | { readonly kind: 'reset' | 'undo' | 'leave' | 'hint' };

const DRAG_PX = 4;
/** A drag that strays less than this from its direction means that direction alone. */
const STRAY_PX = 40;
const WHEEL = 0.002;
const KEY_ZOOM = 0.7;
const KEY_PAN = 0.1;
const STILL_MS = 1500;

/** The intent of a key press; null for keys that are not the chart's. */
export function keyIntent(
  event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>
): Intent | null {
  if (event.ctrlKey || event.metaKey) {
    return event.key.toLowerCase() === 'z' && !event.shiftKey ? { kind: 'undo' } : null;
  }
  if (event.altKey) {
    const factor = { ArrowUp: KEY_ZOOM, ArrowDown: 1 / KEY_ZOOM }[event.key];
    return factor === undefined ? null : { kind: 'heighten', factor };
  }
  switch (event.key) {
    case 'ArrowLeft':
      return event.shiftKey ? { kind: 'pan', by: -KEY_PAN, up: 0 } : { kind: 'step', by: -1 };
    case 'ArrowRight':
      return event.shiftKey ? { kind: 'pan', by: KEY_PAN, up: 0 } : { kind: 'step', by: 1 };
    case 'ArrowUp':
      return event.shiftKey ? { kind: 'pan', by: 0, up: KEY_PAN } : null;
    case 'ArrowDown':
      return event.shiftKey ? { kind: 'pan', by: 0, up: -KEY_PAN } : null;
    case 'Home':
      return { kind: 'step', by: -Infinity };
    case 'End':
      return { kind: 'step', by: Infinity };
    case '+':
    case '=':
      return { kind: 'scale', factor: KEY_ZOOM, pivot: null };
    case '-':
    case '_':
      return { kind: 'scale', factor: 1 / KEY_ZOOM, pivot: null };
    case '0':
      return { kind: 'reset' };
    case 'Escape':
      return { kind: 'leave' };
    default:
      return null;
  }
}

/** Reads the pointer over `area` until disposed. */
export class PointerGestures {
  private readonly controller = new AbortController();
  private drag: { from: Place; pan: boolean; moved: boolean } | null = null;
  private movedAt = -Infinity;

  constructor(
    private readonly area: HTMLElement,
    private readonly act: (intent: Intent) => void
  ) {
    const options = { signal: this.controller.signal };
    area.addEventListener('pointerdown', this.onDown, options);
    area.addEventListener('pointermove', this.onMove, options);
    area.addEventListener('pointerup', this.onUp, options);
    area.addEventListener('pointercancel', this.onCancel, options);
    area.addEventListener('pointerleave', this.onLeave, options);
    area.addEventListener('dblclick', this.onDouble, options);
    area.addEventListener('wheel', this.onWheel, { ...options, passive: false });
  }

  dispose(): void {
    this.controller.abort();
  }

  private place(event: MouseEvent): Place {
    const box = this.area.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  }

  private readonly onDown = (event: PointerEvent): void => {
    if (event.button !== 0 || event.pointerType === 'touch') {
      return;
    }
    this.area.setPointerCapture(event.pointerId);
    this.drag = { from: this.place(event), pan: event.shiftKey, moved: false };
  };

  private readonly onMove = (event: PointerEvent): void => {
    this.movedAt = event.timeStamp;
    const at = this.place(event);
    if (this.drag) {
      this.onDrag(this.drag, at);
    } else {
      this.act({ kind: 'hover', at });
    }
  };

  /** CSS pixels across and down. */
  private distance(one: Place, other: Place): [number, number] {
    const { width, height } = this.area.getBoundingClientRect();
    return [Math.abs(one.x - other.x) * width, Math.abs(one.y - other.y) * height];
  }

  private box(from: Place, to: Place): Box {
    const [across, down] = this.distance(from, to);
    return {
      x: across >= Math.min(down, STRAY_PX) ? [from.x, within(to.x)] : null,
      y: down > Math.min(across, STRAY_PX) ? [from.y, within(to.y)] : null
    };
  }

  private onDrag(drag: NonNullable<typeof this.drag>, at: Place): void {
    drag.moved ||= Math.max(...this.distance(drag.from, at)) >= DRAG_PX;
    if (!drag.moved) {
      return;
    }
    if (drag.pan) {
      this.act({ kind: 'pan', by: drag.from.x - at.x, up: at.y - drag.from.y });
      drag.from = at;
    } else {
      this.act({ kind: 'select', box: this.box(drag.from, at) });
    }
  }

  private readonly onUp = (event: PointerEvent): void => {
    const drag = this.drag;
    this.drag = null;
    if (drag?.moved && !drag.pan) {
      this.act({ kind: 'select', box: null });
      this.act({ kind: 'zoom', box: this.box(drag.from, this.place(event)) });
    }
  };

  private readonly onCancel = (): void => {
    this.drag = null;
    this.act({ kind: 'select', box: null });
  };

  private readonly onLeave = (): void => {
    if (!this.drag) {
      this.act({ kind: 'hover', at: null });
    }
  };

  private readonly onDouble = (): void => this.act({ kind: 'reset' });

  /** A plain wheel scrolls the page; only a reader whose pointer was just at work here is told about Alt. */
  private readonly onWheel = (event: WheelEvent): void => {
    if (event.altKey) {
      event.preventDefault();
      this.act({ kind: 'scale', factor: Math.exp(event.deltaY * WHEEL), pivot: within(this.place(event).x) });
    } else if (event.timeStamp - this.movedAt < STILL_MS) {
      this.act({ kind: 'hint' });
    }
  };
}

function within(fraction: number): number {
  return Math.max(0, Math.min(1, fraction));
}
