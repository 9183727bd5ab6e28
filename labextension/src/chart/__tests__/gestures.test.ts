import { beforeEach, describe, expect, it } from 'vitest';

import { keyIntent, PointerGestures, type Intent } from '../gestures';

const NO_KEYS = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };

describe('keyIntent', () => {
  it.each([
    ['ArrowLeft', {}, { kind: 'step', by: -1 }],
    ['ArrowRight', {}, { kind: 'step', by: 1 }],
    ['ArrowRight', { shiftKey: true }, { kind: 'pan', by: 0.1, up: 0 }],
    ['0', {}, { kind: 'reset' }],
    ['z', { ctrlKey: true }, { kind: 'undo' }],
    ['z', { metaKey: true }, { kind: 'undo' }],
    ['Escape', {}, { kind: 'leave' }]
  ])('%s %o', (key, modifiers, intent) => {
    expect(keyIntent({ key, ...NO_KEYS, ...modifiers })).toEqual(intent);
  });

  it('zooms in with + and out with -', () => {
    expect(keyIntent({ key: '+', ...NO_KEYS })).toMatchObject({ kind: 'scale', factor: 0.7 });
    const out = keyIntent({ key: '-', ...NO_KEYS });
    expect(out?.kind === 'scale' && out.factor > 1).toBe(true);
  });

  it.each([
    ['a', {}],
    ['ArrowLeft', { altKey: true }],
    ['s', { ctrlKey: true }],
    ['Tab', {}]
  ])('leaves %s %o to others', (key, modifiers) => {
    expect(keyIntent({ key, ...NO_KEYS, ...modifiers })).toBeNull();
  });
});

describe('PointerGestures', () => {
  let area: HTMLElement;
  let intents: Intent[];

  beforeEach(() => {
    area = document.createElement('div');
    area.getBoundingClientRect = () => new DOMRect(100, 0, 200, 100);
    area.setPointerCapture = () => undefined;
    intents = [];
    new PointerGestures(area, intent => intents.push(intent));
  });

  const send = (type: string, clientX: number, more: MouseEventInit = {}): boolean =>
    area.dispatchEvent(new MouseEvent(type, { clientX, clientY: 50, cancelable: true, ...more }));
  const kinds = (): string[] => intents.map(({ kind }) => kind);

  it('drags out a range', () => {
    send('pointerdown', 150);
    send('pointermove', 152);
    expect(kinds()).toEqual([]);
    send('pointermove', 250);
    send('pointerup', 250);
    expect(intents).toEqual([
      { kind: 'select', box: { x: [0.25, 0.75], y: null } },
      { kind: 'select', box: null },
      { kind: 'zoom', box: { x: [0.25, 0.75], y: null } }
    ]);
  });

  it.each([
    [20, 20, { x: [0.25, 0.35], y: null }],
    [5, 40, { x: null, y: [0.5, 0.9] }],
    [100, 45, { x: [0.25, 0.75], y: [0.5, 0.95] }]
  ])('means by %i px across and %i down the box %o', (across, down, box) => {
    send('pointerdown', 150);
    send('pointerup', 150 + across, { clientY: 50 + down });
    expect(intents).toEqual([]);
    send('pointerdown', 150);
    send('pointermove', 150 + across, { clientY: 50 + down });
    expect(intents).toEqual([{ kind: 'select', box }]);
  });

  it('holds a range that is dragged out of the chart at its edge', () => {
    send('pointerdown', 150);
    send('pointermove', 900);
    send('pointerup', 900);
    expect(intents[intents.length - 1]).toEqual({ kind: 'zoom', box: { x: [0.25, 1], y: null } });
  });

  it('pans with Shift', () => {
    send('pointerdown', 200, { shiftKey: true });
    send('pointermove', 180);
    send('pointermove', 160);
    send('pointerup', 160);
    expect(intents).toEqual([
      { kind: 'pan', by: expect.closeTo(0.1) as number, up: 0 },
      { kind: 'pan', by: expect.closeTo(0.1) as number, up: 0 }
    ]);
  });

  it('leaves a click and other buttons alone', () => {
    send('pointerdown', 200);
    send('pointerup', 201);
    send('pointerdown', 150, { button: 2 });
    send('pointerup', 290, { button: 2 });
    expect(kinds()).toEqual([]);
  });

  it('resets with a double click', () => {
    send('dblclick', 200);
    expect(kinds()).toEqual(['reset']);
  });

  const wheel = (more: WheelEventInit): WheelEvent => {
    const event = new WheelEvent('wheel', { clientX: 150, deltaY: -100, cancelable: true, ...more });
    area.dispatchEvent(event);
    return event;
  };

  it('zooms with Alt and the wheel, and lets a plain wheel scroll the page', () => {
    expect(wheel({}).defaultPrevented).toBe(false);
    expect(kinds()).toEqual([]);
    send('pointermove', 150);
    expect(wheel({}).defaultPrevented).toBe(false);
    expect(kinds()).toEqual(['hover', 'hint']);
    expect(wheel({ altKey: true }).defaultPrevented).toBe(true);
    const last = intents[intents.length - 1];
    expect(last).toMatchObject({ kind: 'scale', pivot: 0.25 });
    expect(last.kind === 'scale' && last.factor < 1).toBe(true);
  });
});
