import { waitFor } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';

import type { Api } from '../../api';
import { Linked } from '../../chart/linked';
import type { XKind } from '../../chart/view';
import { followMoments, isMomentWanted, tellMoment } from '../../timeCursor';
import { Moments } from '../moments';

/** Three points at steps 0, 10, 20, written at 100, 130 and 131; two of them share a bucket of time. */
const curves: Record<string, { x: number[]; count: number[] }> = {
  step: { x: [0, 10, 20], count: [1, 1, 1] },
  wall: { x: [100, 131], count: [1, 2] }
};

function made(kind: XKind = 'step') {
  const linked = new Linked();
  const ask = vi.fn(({ x }: { x: string }) =>
    Promise.resolve({ curves: [{ columns: curves[x] }], cursor: '' })
  );
  const moments = new Moments('x1', { curves: ask } as unknown as Api, linked, () => ({
    kind,
    metric: 'loss'
  }));
  return { linked, ask, moments };
}

describe('the moment that curves and logs share', () => {
  it('moves the crosshair of the curves', async () => {
    const { linked, moments } = made();
    tellMoment({ experiment: 'x2', time: 131, by: 'log' });
    tellMoment({ experiment: 'x1', time: 105, by: 'log' });
    await waitFor(() => expect(linked.crosshair).toMatchObject({ x: 0, kind: 'step' }));
    tellMoment({ experiment: 'x1', time: 200, by: 'log' });
    await waitFor(() => expect(linked.crosshair).toMatchObject({ x: 20 }));
    moments.dispose();
  });

  it('is told from the crosshair, if somebody wants it', async () => {
    const { linked, ask, moments } = made();
    const told: (number | null)[] = [];
    linked.crosshair = { x: 10, kind: 'step', chart: 'c' };
    const stop = followMoments('x1', 'log', time => told.push(time));
    linked.crosshair = { x: 20, kind: 'step', chart: 'c' };
    await waitFor(() => expect(told).toEqual([131]));
    expect(ask).toHaveBeenCalledTimes(2);
    stop();
    moments.dispose();
    expect(isMomentWanted('x1', 'x1')).toBe(false);
  });

  it('needs no question where x is time', async () => {
    const { linked, ask, moments } = made('wall');
    tellMoment({ experiment: 'x1', time: 105, by: 'log' });
    await waitFor(() => expect(linked.crosshair).toMatchObject({ x: 105, kind: 'wall' }));
    expect(ask).not.toHaveBeenCalled();
    moments.dispose();
  });
});
