/** Rules and what they say, put into words: the only place that does, for every part of the page. */

import { count, relative, significant } from '../format';
import type { Trans } from '../i18n';
import type { Alert, Rule, RuleSpec, Subject } from '../records';
import { countsSteps, measureOf, measureText, spanText, thresholdKind } from './measures';

type Watched = Pick<RuleSpec, 'subject' | 'metric' | 'condition'>;

/** The name of a rule: a default rule's in the reader's language, anyone's own as it was given. */
export function ruleName({ preset, name }: Pick<Rule, 'preset' | 'name'>, trans: Trans): string {
  return presetNames(trans)[preset] ?? name;
}

function presetNames(trans: Trans): Readonly<Record<string, string>> {
  return {
    gpu_lost: trans.__('GPU lost'),
    driver_stalled: trans.__('GPU driver does not answer'),
    gpu_xid: trans.__('GPU reported a fault (XID)'),
    gpu_ecc: trans.__('GPU memory errors that could not be corrected'),
    gpu_throttled: trans.__('GPU slowed down by heat or power supply'),
    gpu_hot: trans.__('GPU close to its temperature limit'),
    gpu_memory: trans.__('GPU memory almost full'),
    gpu_idle: trans.__('Task holds a GPU without using it'),
    gpu_foreign: trans.__("Another process on a task's GPU"),
    loss_not_finite: trans.__('Loss is NaN or infinite'),
    loss_diverges: trans.__('Loss diverges'),
    task_failed: trans.__('Task failed'),
    task_waits: trans.__('Task waits long'),
    disk_full: trans.__('Disk almost full'),
    gpu_power: trans.__('GPU at its power limit'),
    gpu_low: trans.__('GPU little used'),
    host_memory: trans.__("Machine's memory almost full"),
    experiment_silent: trans.__('Experiment logs nothing'),
    loss_plateau: trans.__('Loss gets no better'),
    task_overdue: trans.__('Task runs longer than it did')
  };
}

export function subjectWord(subject: Subject, trans: Trans): string {
  return {
    gpu: trans.__('GPU'),
    host: trans.__('Host'),
    experiment: trans.__('Experiment'),
    task: trans.__('Task')
  }[subject];
}

/** What an alert says, without whom it is about: `memory at 97 % for 60 sec (limit 95 %)`. */
export function alertText(alert: Alert, trans: Trans): string {
  if (alert.title !== '') {
    return alert.count > 1 ? `${alert.title} ×${count(alert.count)}` : alert.title;
  }
  if (alert.condition === null) {
    return ruleName(alert, trans);
  }
  return factText({ ...alert, condition: alert.condition }, trans);
}

/** One line about an alert: whom it is about, and what it says. */
export function alertLine(alert: Alert, trans: Trans): string {
  return trans.__('%1: %2', alert.target.label, alertText(alert, trans));
}

type Fact = Watched & Pick<Alert, 'text' | 'value' | 'threshold' | 'for_s' | 'step'>;

function factText(fact: Fact, trans: Trans): string {
  const { condition, value, threshold, for_s: time } = fact;
  switch (condition) {
    case 'above':
    case 'below':
      return overText(fact, trans);
    case 'not_finite':
      return notFiniteText(fact, trans);
    case 'silent':
      return trans.__('no new point of %1 for %2', metricWord(fact, trans), spanOf(value, threshold));
    case 'diverges':
      return divergedText(fact, trans);
    case 'plateau':
      return trans.__('%1 no better for %2 steps', metricWord(fact, trans), count(value ?? time));
    case 'failed':
      return trans.__('failed');
    case 'waits':
      return trans.__('has been waiting for %1', spanOf(value, threshold));
    case 'overdue':
      return trans.__('runs %1 times as long as before', significant(value ?? threshold));
  }
}

function overText(fact: Fact, trans: Trans): string {
  const measure = measureOf(fact.subject, fact.metric, trans);
  if (measure.isEvent) {
    return eventText(fact, trans);
  }
  if (fact.metric === 'leased_idle') {
    return idleText(fact, trans);
  }
  const { value, threshold } = fact;
  const what =
    value === null
      ? trans.__('%1: no data', measure.word)
      : trans.__('%1 at %2', measure.word, measureText(measure, value));
  const limit = threshold === null ? '' : measureText(measure, threshold);
  return extended(what, fact.for_s, limit, trans);
}

/** The metric is 100 − utilization; people think of the utilization. */
function idleText({ value, threshold, for_s: time }: Fact, trans: Trans): string {
  const share = (idle: number): string => `${significant(Number((100 - idle).toFixed(1)))} %`;
  const what =
    value === null
      ? trans.__('idle while a task holds it')
      : trans.__('utilization at %1 while a task holds it', share(value));
  return extended(what, time, threshold === null ? '' : share(threshold), trans);
}

function extended(what: string, time: number, limit: string, trans: Trans): string {
  if (time > 0 && limit !== '') {
    return trans.__('%1 for %2 (limit %3)', what, spanText(time), limit);
  }
  if (limit !== '') {
    return trans.__('%1 (limit %2)', what, limit);
  }
  return time > 0 ? trans.__('%1 for %2', what, spanText(time)) : what;
}

function eventText({ metric, value, for_s: time }: Fact, trans: Trans): string {
  switch (metric) {
    case 'lost':
      return trans.__('lost: it no longer answers on its bus');
    case 'stalled':
      return trans.__('its driver does not answer');
    case 'throttled':
      return extended(trans.__('slowed down by heat or power supply'), time, '', trans);
    case 'xid':
      return trans.__('the driver reports fault XID %1', value === null ? '?' : count(value));
    case 'ecc_uncorrected':
      return trans._n(
        '%1 memory error could not be corrected',
        '%1 memory errors could not be corrected',
        value ?? 1
      );
    default:
      return trans.__('a process from elsewhere uses it while a task holds it');
  }
}

function notFiniteText(fact: Fact, trans: Trans): string {
  const metric = metricWord(fact, trans);
  const kinds: Readonly<Record<string, string>> = { nan: 'NaN', inf: '∞', '-inf': '−∞' };
  const kind = kinds[fact.text] ?? trans.__('NaN or infinite');
  return fact.step === null
    ? trans.__('%1 is %2', metric, kind)
    : trans.__('%1 is %2 at step %3', metric, kind, count(fact.step));
}

/** What code, or a person, says beyond the title; what a rule says is in words already. */
export function addition({ rule, text }: Pick<Alert, 'rule' | 'text'>): string {
  return rule === null ? text : '';
}

function divergedText(fact: Fact, trans: Trans): string {
  const what =
    fact.value === null
      ? trans.__('%1 far from its best', metricWord(fact, trans))
      : trans.__('%1 is %2 times as bad as its best', metricWord(fact, trans), significant(fact.value));
  return extended(what, 0, fact.threshold === null ? '' : significant(fact.threshold), trans);
}

function metricWord({ subject, metric }: Watched, trans: Trans): string {
  return measureOf(subject, metric, trans).word;
}

function spanOf(value: number | null, threshold: number | null): string {
  return spanText(value ?? threshold ?? 0);
}

/** What a rule waits for: `memory above 95 %, critical 98 %, for 60 sec`. */
export function conditionText(spec: RuleSpec, trans: Trans): string {
  const bare = bareCondition(spec, trans);
  return spec.for_s > 0 && !countsSteps(spec.condition)
    ? trans.__('%1, for %2', bare, spanText(spec.for_s))
    : bare;
}

function bareCondition(spec: RuleSpec, trans: Trans): string {
  const measure = measureOf(spec.subject, spec.metric, trans);
  const limits = limitsText(spec, trans);
  const { condition } = spec;
  switch (condition) {
    case 'above':
      return measure.isEvent ? measure.word : trans.__('%1 above %2', measure.word, limits);
    case 'below':
      return measure.isEvent ? measure.word : trans.__('%1 below %2', measure.word, limits);
    case 'not_finite':
      return trans.__('%1 is NaN or infinite', measure.word);
    case 'silent':
      return trans.__('no new point of %1 for %2', measure.word, limits);
    case 'diverges':
      return trans.__(
        '%1 more than %2 times as bad as its best for %3 steps',
        measure.word,
        limits,
        count(Math.max(1, spec.for_s))
      );
    case 'plateau':
      return trans.__('%1 no better for %2 steps', measure.word, count(spec.for_s));
    case 'failed':
      return trans.__('fails, runs into its time limit or is lost');
    case 'waits':
      return trans.__('waits for more than %1', limits);
    case 'overdue':
      return trans.__('runs %1 times as long as its runs before', limits);
  }
}

function limitsText(spec: RuleSpec, trans: Trans): string {
  const { warning, critical } = spec;
  if (warning !== null && critical !== null) {
    return trans.__(
      '%1, critical %2',
      thresholdText(spec, warning, trans),
      thresholdText(spec, critical, trans)
    );
  }
  const only = warning ?? critical;
  return only === null ? '?' : thresholdText(spec, only, trans);
}

/** A threshold of a rule with its unit. */
export function thresholdText(spec: Watched, value: number, trans: Trans): string {
  const measure = measureOf(spec.subject, spec.metric, trans);
  return thresholdKind(spec.condition, measure.isEvent) === 'duration'
    ? spanText(value)
    : measureText(measure, value);
}

/** Whom a rule watches; empty where its scope does not narrow. */
export function scopeText({ subject, scope }: Pick<RuleSpec, 'subject' | 'scope'>, trans: Trans): string {
  const parts = [
    scope.gpus.length > 0 ? trans.__('%1 GPU', count(scope.gpus.length)) : '',
    scope.agents.length > 0 ? trans._n('%1 machine', '%1 machines', scope.agents.length) : '',
    scope.projects.length > 0 ? trans._n('%1 project', '%1 projects', scope.projects.length) : '',
    scope.experiments.length > 0 ? trans._n('%1 experiment', '%1 experiments', scope.experiments.length) : '',
    scope.tasks.length > 0 ? trans._n('%1 task', '%1 tasks', scope.tasks.length) : ''
  ].filter(part => part !== '');
  return parts.length > 0 ? parts.join(trans.__(', ')) : everyText(subject, trans);
}

function everyText(subject: Subject, trans: Trans): string {
  return {
    gpu: trans.__('every GPU'),
    host: trans.__('every machine'),
    experiment: trans.__('every experiment'),
    task: trans.__('every task')
  }[subject];
}

/** Why an action was not done, in one line; empty when all were. */
export function failedDeliveries(alert: Alert, trans: Trans): string {
  const words = actionWords(trans);
  return alert.deliveries
    .filter(({ problem }) => problem !== '')
    .map(({ kind, problem }) => trans.__('%1 failed: %2', words[kind], problem))
    .join(' · ');
}

export function doneDeliveries(alert: Alert, trans: Trans): string {
  const words = actionWords(trans);
  return alert.deliveries
    .filter(({ problem }) => problem === '')
    .map(({ kind, at }) => trans.__('%1 done %2', words[kind], relative(at)))
    .join(' · ');
}

export function actionWords(trans: Trans): Readonly<Record<Alert['deliveries'][number]['kind'], string>> {
  return {
    webhook: trans.__('Webhook'),
    channel: trans.__('Message'),
    stop_task: trans.__('Stop the task'),
    interrupt_kernel: trans.__('Interrupt the kernel')
  };
}
