/** The pages of alerts in the main area: the centre, and the form of a rule. */

import type { ILabShell, JupyterFrontEnd } from '@jupyterlab/application';
import type { MainAreaWidget } from '@jupyterlab/apputils';

import { alertIcon } from '../icons';
import { MainArea } from '../page/mainArea';
import type { Rule } from '../records';
import type { Services } from '../services';
import { attempt } from '../tasks/deeds';
import type { Tab } from './AlertsPage';
import { copyOf, draftOf, newDraft, type Draft, type Origin } from './draft';

export type AlertPageWidget = MainAreaWidget;

const CENTRE = 'aiplat-alerts';
const FORM = 'aiplat-rule:';

/** What a form starts from: a rule to change, one to copy, or a subject to watch. */
export interface Start extends Origin {
  readonly uid?: string;
  readonly from?: string;
}

export class AlertPages {
  private readonly area: MainArea;
  private forms = 0;

  constructor(
    app: JupyterFrontEnd,
    labShell: ILabShell | null,
    private readonly services: Services
  ) {
    this.area = new MainArea(app.shell, labShell, { namespace: 'aiplat-alerts', icon: alertIcon });
  }

  get tracker(): MainArea['tracker'] {
    return this.area.tracker;
  }

  /** Show all alerts, or the rules. */
  async open(tab: Tab = 'alerts'): Promise<AlertPageWidget> {
    const { AlertsWidget } = await import('./widgets');
    const page = await this.area.show(CENTRE, () => new AlertsWidget(this.services));
    if (page.content instanceof AlertsWidget) {
      page.content.open(tab);
    }
    return page;
  }

  /** Show the form of a rule. */
  async openForm(start: Start): Promise<AlertPageWidget | null> {
    const { RuleWidget } = await import('./widgets');
    const known = start.uid ?? start.from;
    const rule = known === undefined ? null : await attempt(this.services, this.services.api.rule(known));
    if (known !== undefined && rule === null) {
      return null;
    }
    this.forms += 1;
    const id = start.uid === undefined ? `aiplat-new-rule:${this.forms}` : FORM + start.uid;
    const onDone = (): void => void this.open('rules');
    return this.area.show(id, () => new RuleWidget(this.draft(rule, start), this.services, onDone));
  }

  /** Show the page with this id again; the form of a new rule is not kept. */
  async restore(id: unknown): Promise<AlertPageWidget | null> {
    if (id === CENTRE) {
      return this.open();
    }
    return typeof id === 'string' && id.startsWith(FORM)
      ? this.openForm({ uid: id.slice(FORM.length) })
      : null;
  }

  private draft(rule: Rule | null, start: Start): Draft {
    const { trans } = this.services;
    if (rule === null) {
      return newDraft(start, trans);
    }
    return start.uid === undefined ? copyOf(rule, trans) : draftOf(rule, trans);
  }
}
