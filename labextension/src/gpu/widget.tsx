/** The widget that shows what GPUs and machines do and did. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { JSONObject } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';
import type { JSX } from 'react';

import { Linked } from '../chart/linked';
import type { Services } from '../services';
import type { Kernels } from './deeds';
import { GpuPage } from './GpuPage';
import { HistoryModel } from './historyModel';
import { restoreState, savedState, type PageState } from './state';

export class GpuWidget extends ReactWidget {
  private readonly linked = new Linked();
  private readonly history: HistoryModel;
  private state: PageState;
  private readonly _stateChanged = new Signal<this, void>(this);

  /** `saved` is what `saved` was in an earlier session. */
  constructor(
    private readonly services: Services,
    private readonly kernels: Kernels,
    saved: unknown = null
  ) {
    super();
    this.state = restoreState(saved);
    this.history = new HistoryModel(services, this.linked);
    this.addClass('aiplat-PageWidget');
    this.title.label = services.trans.__('GPUs');
    this.title.caption = services.trans.__('What GPUs and machines do, did, and for whom');
  }

  /** What to hand to the constructor to find the page as it was left. */
  get saved(): JSONObject {
    return savedState(this.state);
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Show the machine of this agent, unless all are shown. */
  showMachine(agent: string): void {
    if (this.state.agent !== null) {
      this.keep({ agent });
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.history.dispose();
      super.dispose();
    }
  }

  protected override render(): JSX.Element {
    const { services, kernels, history, linked, state } = this;
    const onState = (change: Partial<PageState>): void => this.keep(change);
    return <GpuPage {...{ services, kernels, history, linked, state, onState }} />;
  }

  private keep(change: Partial<PageState>): void {
    this.state = { ...this.state, ...change };
    this._stateChanged.emit();
    this.update();
  }
}
