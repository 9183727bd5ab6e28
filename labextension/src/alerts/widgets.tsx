/** The widgets of alerts: the page, and the form of a rule. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import type { Services } from '../services';
import { AlertsPage, type Tab } from './AlertsPage';
import type { Draft } from './draft';
import { AlertsModel } from './model';
import { RuleForm } from './RuleForm';
import { RuleModel } from './ruleModel';

export class AlertsWidget extends ReactWidget {
  private readonly model: AlertsModel;
  private tab: Tab = 'alerts';

  constructor(private readonly services: Services) {
    super();
    this.model = new AlertsModel(services);
    this.addClass('aiplat-PageWidget');
    this.title.label = services.trans.__('Alerts');
  }

  open(tab: Tab): void {
    this.tab = tab;
    this.update();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.dispose();
      super.dispose();
    }
  }

  protected override render(): JSX.Element {
    const { model, services, tab } = this;
    return <AlertsPage {...{ model, services, tab }} onTab={chosen => this.open(chosen)} />;
  }
}

export class RuleWidget extends ReactWidget {
  private readonly model: RuleModel;

  constructor(
    draft: Draft,
    services: Services,
    private readonly onDone: () => void
  ) {
    super();
    this.model = new RuleModel(draft, services);
    this.addClass('aiplat-PageWidget');
    this.title.label = draft.uid === null ? services.trans.__('New rule') : draft.name;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.dispose();
      super.dispose();
    }
  }

  protected override render(): JSX.Element {
    const close = (): void => this.parent?.dispose();
    return (
      <RuleForm
        model={this.model}
        onCancel={close}
        onDone={() => {
          close();
          this.onDone();
        }}
      />
    );
  }
}
