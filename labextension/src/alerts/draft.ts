/** What the form of a rule holds: text as it is typed, and the rule that it means. */

import type { Trans } from '../i18n';
import type { Rule, RuleAction, RuleCondition, RuleSpec, Subject } from '../records';
import { secondsOf, spanInput } from '../spans';
import { countsSteps, measureOf, measures, thresholdKind, type Measure } from './measures';
import { conditionText, ruleName } from './words';

export type Scope = Required<NonNullable<RuleSpec['scope']>>;

export interface Draft {
  /** Of the rule that is changed; null: a new one. */
  readonly uid: string | null;
  /** The name of the default rule that it is; empty: someone's own. */
  readonly preset: string;
  /** Empty: from what it watches. */
  readonly name: string;
  readonly subject: Subject;
  readonly metric: string;
  readonly condition: RuleCondition;
  /** In the shown unit, or a length of time; one may be empty. */
  readonly warning: string;
  readonly critical: string;
  readonly clearWarning: string;
  readonly clearCritical: string;
  /** Of what has no threshold. */
  readonly severity: 'warning' | 'critical';
  /** A length of time, or a number of steps. */
  readonly time: string;
  readonly aggregate: RuleSpec['aggregate'];
  readonly window: string;
  readonly keepFiring: string;
  readonly repeat: string;
  readonly noData: RuleSpec['no_data'];
  /** Higher values of the metric are better ones. */
  readonly higherIsBetter: boolean;
  readonly scope: Scope;
  readonly actions: readonly RuleAction[];
}

/** What a new rule is to watch. */
export interface Origin {
  readonly experiment?: string;
  readonly task?: string;
}

export const NO_SCOPE: Scope = { agents: [], gpus: [], projects: [], experiments: [], tasks: [] };

const EMPTY: Draft = {
  uid: null,
  preset: '',
  name: '',
  subject: 'gpu',
  metric: 'memory_share',
  condition: 'above',
  warning: '',
  critical: '',
  clearWarning: '',
  clearCritical: '',
  severity: 'warning',
  time: '',
  aggregate: 'last',
  window: '',
  keepFiring: '',
  repeat: '',
  noData: 'ignore',
  higherIsBetter: false,
  scope: NO_SCOPE,
  actions: []
};

/** A new rule, filled in with what is usual. */
export function newDraft({ experiment, task }: Origin, trans: Trans): Draft {
  if (experiment !== undefined) {
    const scope = { ...NO_SCOPE, experiments: [experiment] };
    return { ...withSubject(EMPTY, 'experiment', trans), scope };
  }
  if (task !== undefined) {
    return { ...withSubject(EMPTY, 'task', trans), scope: { ...NO_SCOPE, tasks: [task] } };
  }
  return withSubject(EMPTY, 'gpu', trans);
}

/** The form of a rule that there is. */
export function draftOf(rule: Rule, trans: Trans): Draft {
  const spec = rule.spec as RuleSpec;
  const measure = measureOf(spec.subject, spec.metric, trans);
  const shown = (value: number | null): string => thresholdInput(spec, measure, value);
  return {
    uid: rule.uid,
    preset: rule.preset,
    name: ruleName(rule, trans),
    subject: spec.subject,
    metric: spec.metric,
    condition: spec.condition,
    warning: shown(spec.warning),
    critical: shown(spec.critical),
    clearWarning: shown(spec.clear_warning),
    clearCritical: shown(spec.clear_critical),
    severity: spec.warning === null && spec.critical !== null ? 'critical' : 'warning',
    time: countsSteps(spec.condition) ? String(spec.for_s) : spanInput(spec.for_s),
    aggregate: spec.aggregate,
    window: spanInput(spec.window_s),
    keepFiring: spanInput(spec.keep_firing_s),
    repeat: spanInput(spec.repeat_s),
    noData: spec.no_data,
    higherIsBetter: countsSteps(spec.condition) && spec.aggregate === 'max',
    scope: { ...NO_SCOPE, ...spec.scope },
    actions: spec.actions
  };
}

/** What the server shows in the place of a secret. */
const MASK = '***';

/** A new rule like another one; addresses that are secret are not known here. */
export function copyOf(rule: Rule, trans: Trans): Draft {
  const draft = draftOf(rule, trans);
  return {
    ...draft,
    uid: null,
    preset: '',
    name: trans.__('%1 (copy)', draft.name),
    actions: draft.actions.map(action => (action.url.includes(MASK) ? { ...action, url: '' } : action))
  };
}

function thresholdInput(spec: RuleSpec, measure: Measure, value: number | null): string {
  if (value === null || measure.isEvent) {
    return '';
  }
  return thresholdKind(spec.condition, false) === 'duration'
    ? spanInput(value)
    : String(Number((value / measure.factor).toPrecision(12)));
}

/** The conditions that make sense of a subject, the most wanted first. */
export const CONDITIONS: Readonly<Record<Subject, readonly RuleCondition[]>> = {
  gpu: ['above', 'below'],
  host: ['above', 'below'],
  experiment: ['not_finite', 'silent', 'diverges', 'plateau', 'above', 'below'],
  task: ['failed', 'waits', 'overdue']
};

/** What a rule on a subject can do. */
export const ACTIONS: Readonly<Record<Subject, readonly RuleAction['kind'][]>> = {
  gpu: ['webhook', 'channel', 'stop_task', 'interrupt_kernel'],
  host: ['webhook', 'channel'],
  experiment: ['webhook', 'channel', 'stop_task', 'interrupt_kernel'],
  task: ['webhook', 'channel', 'stop_task']
};

/** Watch something else, with what is usual for it. */
export function withSubject(draft: Draft, subject: Subject, trans: Trans): Draft {
  const [measure] = measures(subject, trans);
  const metric = measure?.metric ?? '';
  const [condition = 'above'] = CONDITIONS[subject];
  const actions = draft.actions.filter(({ kind }) => ACTIONS[subject].includes(kind));
  const { uid, preset, name, repeat } = draft;
  return withMetric({ ...EMPTY, uid, preset, name, repeat, subject, condition, actions }, metric, trans);
}

export function withMetric(draft: Draft, metric: string, trans: Trans): Draft {
  const measure = measureOf(draft.subject, metric, trans);
  if (draft.subject !== 'gpu' && draft.subject !== 'host') {
    return draft.metric === metric ? withCondition(draft, draft.condition) : { ...draft, metric };
  }
  const { condition, at } = measure.usual;
  const isCount = metric === 'ecc_uncorrected';
  return {
    ...draft,
    metric,
    condition,
    warning: measure.isEvent ? '' : String(at),
    critical: '',
    clearWarning: '',
    clearCritical: '',
    time: measure.isEvent ? '' : '1m',
    aggregate: isCount ? 'delta' : 'last',
    window: isCount ? '10m' : ''
  };
}

/** Thresholds and times with which a condition makes sense. */
const USUAL: Readonly<Partial<Record<RuleCondition, Pick<Draft, 'warning' | 'time'>>>> = {
  silent: { warning: '30m', time: '' },
  diverges: { warning: '3', time: '50' },
  plateau: { warning: '', time: '10000' },
  waits: { warning: '4h', time: '' },
  overdue: { warning: '2', time: '' }
};

export function withCondition(draft: Draft, condition: RuleCondition): Draft {
  if (draft.subject === 'gpu' || draft.subject === 'host') {
    return { ...draft, condition };
  }
  const usual = USUAL[condition] ?? { warning: '', time: '' };
  return { ...draft, condition, ...usual, critical: '', clearWarning: '', clearCritical: '' };
}

export type Field = keyof Draft | `action${number}`;
export type Problems = Partial<Record<Field, string>>;

/** The rule that is meant, or what is wrong with the text, before anyone is asked. */
export type Meaning = { spec: RuleSpec; problems: null } | { spec: null; problems: Problems };

export function meaningOf(draft: Draft, trans: Trans): Meaning {
  const reader = new Reader(draft, trans);
  const spec = reader.spec();
  return Object.keys(reader.problems).length > 0
    ? { spec: null, problems: reader.problems }
    : { spec, problems: null };
}

/** The name that it is given, or one that says what it watches. */
export function nameOf(draft: Draft, spec: RuleSpec, trans: Trans): string {
  return draft.name.trim() || conditionText(spec, trans);
}

class Reader {
  readonly problems: Problems = {};
  private readonly measure: Measure;
  private readonly kind;

  constructor(
    private readonly draft: Draft,
    private readonly trans: Trans
  ) {
    this.measure = measureOf(draft.subject, draft.metric, trans);
    this.kind = thresholdKind(draft.condition, this.measure.isEvent);
  }

  spec(): RuleSpec {
    const { draft } = this;
    const inSteps = countsSteps(draft.condition);
    return {
      subject: draft.subject,
      metric: draft.subject === 'task' ? '' : draft.metric.trim(),
      condition: draft.condition,
      scope: draft.scope,
      aggregate: inSteps ? (draft.higherIsBetter ? 'max' : 'last') : draft.aggregate,
      window_s: inSteps || draft.aggregate === 'last' ? 0 : this.span('window'),
      ...this.thresholds(),
      for_s: inSteps ? this.steps() : draft.condition === 'failed' ? 0 : this.span('time'),
      keep_firing_s: this.span('keepFiring'),
      repeat_s: this.span('repeat'),
      no_data: draft.noData,
      actions: [...draft.actions]
    };
  }

  private thresholds(): Pick<RuleSpec, 'warning' | 'critical' | 'clear_warning' | 'clear_critical'> {
    if (this.kind === 'none') {
      const isCritical = this.draft.severity === 'critical';
      const none = { clear_warning: null, clear_critical: null };
      return { warning: isCritical ? null : 0, critical: isCritical ? 0 : null, ...none };
    }
    const found = {
      warning: this.threshold('warning'),
      critical: this.threshold('critical'),
      clear_warning: this.threshold('clearWarning'),
      clear_critical: this.threshold('clearCritical')
    };
    const isEmpty = this.draft.warning.trim() === '' && this.draft.critical.trim() === '';
    if (isEmpty) {
      this.problems.warning = this.trans.__('a threshold here, or for critical');
    }
    return found;
  }

  private threshold(field: 'warning' | 'critical' | 'clearWarning' | 'clearCritical'): number | null {
    const text = this.draft[field].trim();
    if (text === '') {
      return null;
    }
    if (this.kind === 'duration') {
      return this.span(field);
    }
    const value = Number(text.replace(',', '.'));
    if (!Number.isFinite(value)) {
      this.problems[field] = this.trans.__('a number');
      return null;
    }
    return this.kind === 'times' ? value : value * this.measure.factor;
  }

  private span(
    field:
      'time' | 'window' | 'keepFiring' | 'repeat' | 'warning' | 'critical' | 'clearWarning' | 'clearCritical'
  ): number {
    const text = this.draft[field].trim();
    const seconds = text === '' ? 0 : secondsOf(text);
    if (seconds === null) {
      this.problems[field] = this.trans.__('a time such as 90s, 15m, 2h or 1d');
    }
    return seconds ?? 0;
  }

  private steps(): number {
    const steps = Number(this.draft.time.trim() || '0');
    if (!Number.isInteger(steps) || steps < 0) {
      this.problems.time = this.trans.__('a whole number');
      return 0;
    }
    return steps;
  }
}
