import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { CurveQuery } from '../../records';
import { curve, points } from '../../testing/curves';
import { FakePlatform } from '../../testing/platform';
import { problem } from '../../testing/server';
import { CurveChart } from '../CurveChart';
import { Linked } from '../linked';
import { DEFAULT_VIEW, type ChartView } from '../view';

/** Everything is 600 × 220 pixels. */
class OneSize {
  constructor(private readonly callback: (entries: { contentRect: DOMRect }[]) => void) {}
  observe(): void {
    this.callback([{ contentRect: new DOMRect(0, 0, 600, 220) }]);
  }
  disconnect(): void {
    return;
  }
}

let platform: FakePlatform;
let linked: Linked;
let asked: CurveQuery[];

beforeEach(() => {
  const context = new Proxy(
    {},
    { get: (_, name) => (name === 'measureText' ? () => ({ width: 10 }) : () => undefined), set: () => true }
  );
  vi.stubGlobal('ResizeObserver', OneSize);
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(context as unknown as RenderingContext);
  platform = new FakePlatform();
  linked = new Linked();
  asked = [];
  answer(({ x }) => [
    curve(x === 'step' ? points([0, 3], [10, 2], [20, null]) : points([1e9, 3], [2e9, 2])),
    curve(points([0, 5], [20, 4]), { experiment: 'b' })
  ]);
});

function answer(curves: (query: CurveQuery) => unknown): void {
  platform.server.on('GET metrics/query', ({ path }) => {
    const params = new URLSearchParams(path.split('?')[1]);
    const query = {
      ...Object.fromEntries(params),
      experiments: params.getAll('experiments')
    } as unknown as CurveQuery;
    asked.push(query);
    return { curves: curves(query), cursor: 'c' };
  });
}

function chart(view: ChartView = DEFAULT_VIEW, live = false) {
  const subject = { experiments: ['a', 'b'], metrics: ['loss'] };
  return (
    <CurveChart
      {...{ subject, view, live, linked }}
      services={platform.services}
      title="loss"
      name={one => one.experiment}
    />
  );
}

const canvas = (): Promise<HTMLElement> => screen.findByRole('img', { name: /^loss;/ });

describe('CurveChart', () => {
  it('asks as wide as it is drawn, and says what it shows', async () => {
    render(chart());
    const image = await canvas();
    expect(asked[0]).toMatchObject({ experiments: ['a', 'b'], metrics: 'loss', x: 'step', width: '600' });
    expect(image.getAttribute('aria-label')).toContain('step from 0 to 20');
    expect(screen.getByText('n 5, 1 NaN')).toBeTruthy();
  });

  it('follows a change of x', async () => {
    const { rerender } = render(chart());
    await canvas();
    for (const x of ['wall', 'step', 'relative'] as const) {
      rerender(chart({ ...DEFAULT_VIEW, x }));
      await waitFor(() => expect(asked[asked.length - 1].x).toBe(x));
      const word = { wall: 'time from', step: 'step from', relative: 'time since start from' }[x];
      await screen.findByRole('img', { name: new RegExp(`loss; ${word}`) });
    }
  });

  it('asks for the detail of what is zoomed, and has the zoom undone by a key', async () => {
    render(chart());
    const image = await canvas();
    fireEvent.keyDown(image, { key: '+' });
    await waitFor(() => expect(asked.length).toBe(2));
    expect(Number(asked[1].start)).toBeCloseTo(3);
    expect(Number(asked[1].end)).toBeCloseTo(17);
    fireEvent.keyDown(image, { key: 'z', ctrlKey: true });
    await waitFor(() => expect(asked.length).toBe(3));
    expect(asked[2].start).toBeUndefined();
  });

  it('reads out what keys point at', async () => {
    render(chart());
    const image = await canvas();
    fireEvent.keyDown(image, { key: 'ArrowRight' });
    fireEvent.keyDown(image, { key: 'ArrowRight' });
    expect(await screen.findByText('step 10, a 2, b 5')).toBeTruthy();
  });

  it('hides a curve, and says so when none is left', async () => {
    render(chart());
    await canvas();
    fireEvent.click(screen.getByRole('button', { name: /^a/ }));
    expect(screen.getByRole('img', { name: /b: last/ }).getAttribute('aria-label')).not.toContain('a: last');
    fireEvent.click(screen.getByRole('button', { name: /^b/ }));
    expect(screen.getByText(/All curves are hidden/)).toBeTruthy();
    fireEvent.doubleClick(screen.getByRole('button', { name: /^b/ }));
    expect((await canvas()).getAttribute('aria-label')).toContain('b: last');
  });

  it('explains a failure and tries again', async () => {
    platform.server.on('GET metrics/query', () =>
      problem(500, { code: 'error', detail: 'The disk is full.' })
    );
    render(chart());
    expect(await screen.findByText('The disk is full.')).toBeTruthy();
    answer(() => [curve(points([0, 1], [1, 2]))]);
    fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
    await canvas();
  });

  it.each([
    [true, 'No points yet. The first will appear here by itself.'],
    [false, 'No points were logged.']
  ])('says that there is nothing (live: %s)', async (live, text) => {
    answer(() => []);
    render(chart(DEFAULT_VIEW, live));
    expect(await screen.findByText(text)).toBeTruthy();
  });

  it('says what a log axis leaves out', async () => {
    answer(() => [curve(points([0, -1], [1, 2], [2, 3]))]);
    render(chart({ ...DEFAULT_VIEW, yLog: true }));
    expect(await screen.findByText('1 ≤ 0 left out')).toBeTruthy();
  });
});
