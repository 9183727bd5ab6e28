/** The small curves of the rows that are in view, by one query for all of them. */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Api } from '../api';
import type { Curve, ExperimentRow } from '../records';
import { Pace } from './pace';

const WIDTH = 32;
const MOST = 200;

export class Sparklines {
  private readonly curves = new Map<string, Curve>();
  private readonly metrics = new Map<string, string>();
  private readonly views = new Map<string, number>();
  private readonly outdated = new Set<string>();
  private readonly _changed = new Signal<this, void>(this);
  private readonly pace = new Pace(() => this.fetch(), 60, 440);

  constructor(private readonly api: Api) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get(uid: string): Curve | undefined {
    return this.curves.get(uid);
  }

  /** Say that a row of `experiment` came into view; call the answer when it leaves. */
  show(experiment: ExperimentRow): () => void {
    const { uid, headline } = experiment;
    if (headline === null) {
      return () => undefined;
    }
    const known = this.curves.get(uid);
    this.metrics.set(uid, headline.metric);
    this.views.set(uid, (this.views.get(uid) ?? 0) + 1);
    if (known === undefined || known.metric !== headline.metric || known.summary.count < headline.count) {
      this.outdated.add(uid);
    }
    this.pace.request();
    return () => {
      const left = (this.views.get(uid) ?? 1) - 1;
      if (left > 0) {
        this.views.set(uid, left);
      } else {
        this.views.delete(uid);
      }
    };
  }

  /** Say that the experiment has new points. */
  mark(uid: string): void {
    this.outdated.add(uid);
    if (this.views.has(uid)) {
      this.pace.request();
    }
  }

  markAll(): void {
    [...this.curves.keys()].forEach(uid => this.outdated.add(uid));
    this.pace.request();
  }

  dispose(): void {
    this.pace.dispose();
    Signal.clearData(this);
  }

  private async fetch(): Promise<void> {
    const experiments = [...this.outdated].filter(uid => this.views.has(uid)).slice(0, MOST);
    if (experiments.length === 0) {
      return;
    }
    const metrics = [...new Set(experiments.map(uid => this.metrics.get(uid) ?? ''))].slice(0, 50);
    experiments.forEach(uid => this.outdated.delete(uid));
    try {
      const answer = await this.api.curves({ experiments, metrics, width: WIDTH, abandoned: false });
      for (const curve of answer.curves) {
        if (curve.context === '' && curve.metric === this.metrics.get(curve.experiment)) {
          this.curves.set(curve.experiment, curve);
        }
      }
      this._changed.emit();
    } catch (reason) {
      // The rows stay without a curve, or with the last one; the link's state tells why.
      console.debug('aiplat: no sparklines.', reason);
      experiments.forEach(uid => this.outdated.add(uid));
    }
  }
}
