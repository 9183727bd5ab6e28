import { describe, expect, it } from 'vitest';

import { curve, points } from '../../testing/curves';
import { carryOut, type Stage } from '../intents';
import { Linked } from '../linked';

const CURVES = [curve(points([0, 1], [50, 2], [100, 3]))];

function stage(linked: Linked): Stage {
  linked.report('one', 'step', [0, 100]);
  return {
    chart: 'one',
    title: 'loss',
    kind: 'step',
    linked,
    axis: { range: linked.axis('step', false, false) ?? [0, 1], log: false },
    values: { range: linked.zoom.heights.loss ?? [0, 10], log: false },
    curves: CURVES
  };
}

describe('Linked', () => {
  it('spans what all charts of one kind of x show', () => {
    const linked = new Linked();
    linked.report('one', 'step', [0, 100]);
    linked.report('two', 'step', [20, 300]);
    linked.report('three', 'wall', [1e9, 2e9]);
    expect(linked.axis('step', false, false)).toEqual([0, 300]);
    linked.report('two', 'step', null);
    expect(linked.axis('step', false, false)).toEqual([0, 100]);
    expect(linked.axis('relative', false, false)).toBeNull();
    expect(linked.axis('step', false, true)).toBeNull();
  });

  it('tells only of changes', () => {
    const linked = new Linked();
    let told = 0;
    linked.extentChanged.connect(() => (told += 1));
    linked.report('one', 'step', [0, 100]);
    linked.report('one', 'step', [0, 100]);
    linked.report('none', 'step', null);
    expect(told).toBe(1);
    linked.leave('one');
    linked.leave('one');
    expect(told).toBe(2);
  });

  it('forgets zoom and crosshair when x is another', () => {
    const linked = new Linked([3, 4]);
    linked.crosshair = { x: 3, kind: 'step', chart: 'one' };
    linked.forget();
    expect([linked.zoom.now, linked.crosshair]).toEqual([null, null]);
  });
});

describe('carryOut', () => {
  it('zooms to what was dragged out, undoes it, and resets', () => {
    const linked = new Linked();
    carryOut({ kind: 'zoom', box: { x: [0.75, 0.25], y: null } }, stage(linked));
    expect(linked.zoom.now).toEqual([25, 75]);
    carryOut({ kind: 'scale', factor: 0.5, pivot: 0.5 }, stage(linked));
    expect(linked.zoom.now).toEqual([37.5, 62.5]);
    carryOut({ kind: 'undo' }, stage(linked));
    expect(linked.zoom.now).toEqual([25, 75]);
    carryOut({ kind: 'reset' }, stage(linked));
    expect(linked.zoom.now).toBeNull();
    carryOut({ kind: 'undo' }, stage(linked));
    expect(linked.zoom.now).toEqual([25, 75]);
  });

  it('pans only what is zoomed', () => {
    const linked = new Linked();
    carryOut({ kind: 'pan', by: 0.5, up: 0.5 }, stage(linked));
    expect(linked.zoom.now).toBeNull();
    carryOut({ kind: 'zoom', box: { x: [0, 0.5], y: null } }, stage(linked));
    carryOut({ kind: 'pan', by: 0.5, up: 0.5 }, stage(linked));
    expect(linked.zoom.now).toEqual([25, 75]);
  });

  it('zooms the values of one chart alone, pans them, and takes all back at once', () => {
    const linked = new Linked();
    carryOut({ kind: 'zoom', box: { x: null, y: [0.2, 0.6] } }, stage(linked));
    expect([linked.zoom.now, linked.zoom.heights]).toEqual([null, { loss: [4, 8] }]);
    carryOut({ kind: 'pan', by: 0, up: 0.25 }, stage(linked));
    expect(linked.zoom.heights).toEqual({ loss: [5, 9] });
    carryOut({ kind: 'heighten', factor: 0.5 }, stage(linked));
    expect(linked.zoom.heights).toEqual({ loss: [6, 8] });
    carryOut({ kind: 'zoom', box: { x: [0, 0.5], y: [0, 0.5] } }, stage(linked));
    expect([linked.zoom.now, linked.zoom.heights]).toEqual([[0, 50], { loss: [7, 8] }]);
    carryOut({ kind: 'reset' }, stage(linked));
    expect([linked.zoom.now, linked.zoom.heights]).toEqual([null, {}]);
    carryOut({ kind: 'undo' }, stage(linked));
    expect([linked.zoom.now, linked.zoom.heights]).toEqual([[0, 50], { loss: [7, 8] }]);
  });

  it('does not zoom into nothing', () => {
    const linked = new Linked();
    carryOut({ kind: 'zoom', box: { x: [0.5, 0.5], y: null } }, stage(linked));
    expect(linked.zoom.now).toBeNull();
  });

  it('moves the crosshair by buckets, and keys zoom about it', () => {
    const linked = new Linked();
    carryOut({ kind: 'step', by: 1 }, stage(linked));
    expect(linked.crosshair?.x).toBe(0);
    carryOut({ kind: 'step', by: 1 }, stage(linked));
    expect(linked.crosshair?.x).toBe(50);
    carryOut({ kind: 'step', by: Infinity }, stage(linked));
    expect(linked.crosshair?.x).toBe(100);
    carryOut({ kind: 'scale', factor: 0.5, pivot: null }, stage(linked));
    expect(linked.zoom.now).toEqual([50, 100]);
    carryOut({ kind: 'leave' }, stage(linked));
    expect(linked.crosshair).toBeNull();
  });

  it('follows the pointer', () => {
    const linked = new Linked();
    carryOut({ kind: 'hover', at: { x: 0.3, y: 0.5 } }, stage(linked));
    expect(linked.crosshair).toEqual({ x: 30, kind: 'step', chart: 'one' });
    carryOut({ kind: 'hover', at: null }, stage(linked));
    expect(linked.crosshair).toBeNull();
  });
});
