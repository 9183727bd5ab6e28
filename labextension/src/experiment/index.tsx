/** The widget that shows one experiment. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { JSONObject } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';
import type { JSX } from 'react';

import { DEFAULT_VIEW } from '../chart/view';
import { Linked } from '../chart/linked';
import type { Services } from '../services';
import { ExperimentModel } from './model';
import { Moments } from './moments';
import { Page } from './Page';
import { DEFAULT_STATE, restoreState, savedState, type PageState } from './state';

export class ExperimentWidget extends ReactWidget {
  private readonly model: ExperimentModel;
  private readonly linked: Linked;
  private readonly moments: Moments;
  private state: PageState;
  private readonly _stateChanged = new Signal<this, void>(this);

  /** `saved` is what `saved` was in an earlier session. */
  constructor(
    uid: string,
    private readonly services: Services,
    saved: unknown = null
  ) {
    super();
    const { smoothing, smoothingWeight: weight } = services.preferences.choices;
    this.state = restoreState(saved, { ...DEFAULT_STATE, view: { ...DEFAULT_VIEW, smoothing, weight } });
    this.linked = new Linked(this.state.zoom, this.state.heights);
    this.model = new ExperimentModel(uid, services);
    this.moments = new Moments(uid, services.api, this.linked, () => ({
      kind: this.state.view.x,
      metric: this.model.metrics?.[0]?.metric ?? null
    }));
    this.addClass('aiplat-PageWidget');
    this.title.label = uid;
    this.model.changed.connect(() => this.updateTitle());
    this.linked.zoomChanged.connect((_, zoom) => this.keep({ zoom: zoom.now, heights: zoom.heights }));
  }

  /** What to hand to the constructor to find the page as it was left. */
  get saved(): JSONObject {
    return savedState(this.state);
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.moments.dispose();
      this.model.dispose();
      super.dispose();
    }
  }

  protected override render(): JSX.Element {
    const { model, services, linked, state } = this;
    const onState = (change: Partial<PageState>): void => {
      this.keep(change);
      this.update();
    };
    return <Page {...{ model, services, linked, state, onState }} />;
  }

  private keep(change: Partial<PageState>): void {
    this.state = { ...this.state, ...change };
    this._stateChanged.emit();
  }

  private updateTitle(): void {
    const { experiment } = this.model;
    if (experiment) {
      this.title.label = experiment.name;
      this.title.caption = `${experiment.project_name} / ${experiment.name}`;
    }
  }
}
