/** Ties the crosshair of an experiment's charts to the moment that logs and other parts of the page look at. */

import type { Api } from '../api';
import type { Crosshair, Linked } from '../chart/linked';
import type { XKind } from '../chart/view';
import type { Columns } from '../records';
import { followMoments, isMomentWanted, tellMoment } from '../timeCursor';

/** Milliseconds for which a curve is taken as it was, and between two moments that are told. */
const FRESH = 5000;
const PACE = 100;
const WIDTH = 2000;
/** The chart that a crosshair from elsewhere is said to be of: none. */
const ELSEWHERE = 'moment';

type Curve = Pick<Columns, 'x' | 'count'>;

/** How many points a curve has up to `x`. */
export function rankOf({ x: xs, count }: Curve, x: number): number {
  let rank = 0;
  for (let i = 0; i < xs.length && xs[i] <= x; i++) {
    rank += count[i];
  }
  return rank;
}

/** The x up to which a curve has so many points; null without any. */
export function xOfRank({ x: xs, count }: Curve, rank: number): number | null {
  let passed = 0;
  for (let i = 0; i < xs.length; i++) {
    passed += count[i];
    if (passed >= rank) {
      return xs[i];
    }
  }
  return xs.at(-1) ?? null;
}

export class Moments {
  private readonly known = new Map<XKind, { at: number; curve: Promise<Curve | null> }>();
  private readonly unfollow: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `look` tells the kind of x that the charts show, and a metric that they have. */
  constructor(
    private readonly experiment: string,
    private readonly api: Api,
    private readonly linked: Linked,
    private readonly look: () => { kind: XKind; metric: string | null }
  ) {
    this.unfollow = followMoments(experiment, experiment, time => void this.show(time));
    linked.crosshairChanged.connect(this.onCrosshair);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.unfollow();
    this.linked.crosshairChanged.disconnect(this.onCrosshair);
  }

  private async show(time: number | null): Promise<void> {
    const { kind } = this.look();
    const x = time === null ? null : await this.convert(time, 'wall', kind);
    this.linked.crosshair = x === null ? null : { x, kind, chart: ELSEWHERE };
  }

  private readonly onCrosshair = (_: unknown, crosshair: Crosshair | null): void => {
    if (
      crosshair !== null &&
      crosshair.chart !== ELSEWHERE &&
      isMomentWanted(this.experiment, this.experiment)
    ) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.tell(crosshair), PACE);
    }
  };

  private async tell({ x, kind }: Crosshair): Promise<void> {
    const time = await this.convert(x, kind, 'wall');
    if (time !== null) {
      tellMoment({ experiment: this.experiment, time, by: this.experiment });
    }
  }

  /** The same place on another kind of x: the one with as many points before it. */
  private async convert(x: number, from: XKind, to: XKind): Promise<number | null> {
    if (from === to) {
      return x;
    }
    const [one, other] = await Promise.all([this.curve(from), this.curve(to)]);
    return one && other && xOfRank(other, rankOf(one, x));
  }

  private curve(kind: XKind): Promise<Curve | null> {
    const known = this.known.get(kind);
    if (known && performance.now() - known.at < FRESH) {
      return known.curve;
    }
    const curve = this.ask(kind).catch(() => null);
    this.known.set(kind, { at: performance.now(), curve });
    return curve;
  }

  private async ask(kind: XKind): Promise<Curve | null> {
    const { metric } = this.look();
    if (metric === null) {
      return null;
    }
    const query = {
      experiments: [this.experiment],
      metrics: [metric],
      x: kind,
      width: WIDTH,
      abandoned: false
    };
    const { curves } = await this.api.curves(query);
    return curves[0]?.columns ?? null;
  }
}
