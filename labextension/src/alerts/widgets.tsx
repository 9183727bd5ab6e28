/** The widgets of alerts: the page, and the form of a rule. */

import type { JSX } from 'react';

import { PageWidget } from '../page/widget';
import type { Services } from '../services';
import { AlertsPage, type Tab } from './AlertsPage';
import type { Draft } from './draft';
import { AlertsModel } from './model';
import { RuleForm } from './RuleForm';
import { RuleModel } from './ruleModel';

export class AlertsWidget extends PageWidget<AlertsModel> {
  private tab: Tab = 'alerts';

  constructor(private readonly services: Services) {
    super(new AlertsModel(services), services.trans.__('Alerts'));
  }

  open(tab: Tab): void {
    this.tab = tab;
    this.update();
  }

  protected override render(): JSX.Element {
    const { model, services, tab } = this;
    return <AlertsPage {...{ model, services, tab }} onTab={chosen => this.open(chosen)} />;
  }
}

export class RuleWidget extends PageWidget<RuleModel> {
  constructor(
    draft: Draft,
    services: Services,
    private readonly onDone: () => void
  ) {
    const isNew = draft.uid === null;
    super(new RuleModel(draft, services), isNew ? services.trans.__('New rule') : draft.name);
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
