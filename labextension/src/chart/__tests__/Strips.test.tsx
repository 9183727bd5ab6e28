import { fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { CurveQuery, SeriesSummary } from '../../records';
import { curve, points } from '../../testing/curves';
import { FakePlatform } from '../../testing/platform';
import { CurveChart } from '../CurveChart';
import { Linked } from '../linked';
import { Strips } from '../Strips';
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

const CURVES = {
  loss: curve(points([0, 3], [10, 2], [20, 1])),
  'system/gpu.0.util': curve(points([5, 20], [10, 90], [15, 80]), {
    metric: 'system/gpu.0.util',
    context: 'clock'
  }),
  'system/gpu.0.memory': curve(points([5, 50], [10, 62.5], [15, 64]), {
    metric: 'system/gpu.0.memory',
    context: 'clock'
  })
};

let platform: FakePlatform;
let linked: Linked;
let asked: CurveQuery[];
let drawn: boolean;

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
  drawn = true;
  platform.server.on('GET metrics/query', ({ path }) => {
    const params = new URLSearchParams(path.split('?')[1]);
    const metrics = params.getAll('metrics');
    asked.push({ ...Object.fromEntries(params), metrics } as unknown as CurveQuery);
    const known = metrics.flatMap(metric =>
      metric in CURVES ? [CURVES[metric as keyof typeof CURVES]] : []
    );
    return { curves: drawn ? known : known.map(one => ({ ...one, ...nothing })), cursor: 'c' };
  });
});

const nothing = { columns: points(), x_extent: null };

function charts(view: ChartView = DEFAULT_VIEW, names: string[] = Object.keys(CURVES), awaited = 0) {
  const common = { services: platform.services, view, live: false, linked };
  const summaries: SeriesSummary[] = names.map(metric => ({
    ...CURVES[metric as keyof typeof CURVES].summary,
    metric,
    context: metric === 'loss' ? '' : 'clock'
  }));
  const subject = { experiments: ['a'], metrics: ['loss'] };
  return (
    <>
      <CurveChart {...common} subject={subject} title="loss" name={one => one.metric} />
      <Strips {...common} experiment="a" summaries={summaries} awaited={awaited} />
    </>
  );
}

const strip = (): Promise<HTMLElement> =>
  screen.findByRole('region', { name: 'Machine: GPU 0 utilization and memory' });
const values = async (): Promise<(string | null)[]> =>
  within(await strip())
    .getAllByRole('status')
    .map(output => output.textContent);

describe('Strips', () => {
  it('have their room before the first reading, as long as one may be waited for', async () => {
    const soon = Date.now() / 1000 + 30;
    const { rerender } = render(charts(DEFAULT_VIEW, ['loss'], soon));
    expect(screen.getByText(/appear here after some seconds/).closest('.aiplat-Strip')).not.toBeNull();
    rerender(charts(DEFAULT_VIEW, Object.keys(CURVES), soon));
    await strip();
    expect(document.querySelectorAll('.aiplat-Strip')).toHaveLength(1);
    rerender(charts(DEFAULT_VIEW, ['loss'], soon - 60));
    expect(document.querySelectorAll('.aiplat-Strip')).toHaveLength(0);
  });

  it('say the last values, and under the crosshair of the curve those at its place', async () => {
    render(charts());
    const loss = await screen.findByRole('img', { name: /^loss;/ });
    await screen.findByRole('img', { name: /^Machine: GPU 0 utilization and memory;/ });
    expect(await values()).toEqual(['80 %', '64 %']);
    fireEvent.keyDown(loss, { key: 'ArrowRight' });
    fireEvent.keyDown(loss, { key: 'ArrowRight' });
    await waitFor(async () => expect(await values()).toEqual(['90 %', '63 %']));
    expect(document.querySelectorAll('.aiplat-ChartCrosshair')).toHaveLength(2);
  });

  it('move the crosshair of the curve, and zoom it', async () => {
    render(charts());
    await screen.findByRole('img', { name: /^loss;/ });
    const image = await screen.findByRole('img', { name: /^Machine: GPU 0 utilization and memory;/ });
    fireEvent.keyDown(image, { key: 'End' });
    expect(linked.crosshair?.x).toBe(15);
    expect(document.querySelectorAll('.aiplat-ChartCrosshair')).toHaveLength(2);
    fireEvent.keyDown(image, { key: '+' });
    await waitFor(() => expect(asked.filter(({ start }) => start !== undefined)).toHaveLength(2));
    fireEvent.keyDown(image, { key: '0' });
    expect(linked.zoom.now).toBeNull();
  });

  it('show shares as they were read, however the curve is looked at', async () => {
    render(charts({ ...DEFAULT_VIEW, yLog: true, outliers: true, smoothing: 'ema' }));
    await screen.findByRole('img', { name: /^Machine: GPU 0 utilization and memory;/ });
    const own = asked.filter(({ metrics }) => metrics.includes('system/gpu.0.util'));
    expect(own.map(({ smoothing }) => smoothing)).toEqual([undefined]);
  });

  it('are not there without a series of the machine', async () => {
    render(charts(DEFAULT_VIEW, ['loss']));
    await screen.findByRole('img', { name: /^loss;/ });
    expect(document.querySelector('.aiplat-Strip')).toBeNull();
  });

  it('say why they are empty', async () => {
    drawn = false;
    render(charts());
    expect(within(await strip()).getByText(/^Nothing was read between/)).toBeTruthy();
  });
});
