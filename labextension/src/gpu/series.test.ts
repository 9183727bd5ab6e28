import { describe, expect, it } from 'vitest';

import { aGpu, aHistory, aStatus } from '../testing/gpus';
import { linesOf } from './series';

describe('samples behind history', () => {
  it('are drawn from where its last point ends, not from that point’s middle', () => {
    const status = aStatus([aGpu(0)]);
    const history = { ...aHistory(status, 0, 300), resolution: 100 };
    const [line] = linesOf(history, [
      { ...status, at: 300 },
      { ...status, at: 313 }
    ]);
    expect(line.curve.columns.x).toEqual([...history.series[0].at, 313]);
  });
});
