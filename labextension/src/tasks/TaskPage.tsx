/** The page of one task: how it fares, its log, what it runs, its attempts. */

import { useEffect, useState, type JSX } from 'react';

import { useLasting } from '../chart/hooks';
import { CommandIDs } from '../commands';
import type { ApiError } from '../errors';
import { ErrorBoundary, FailureCard } from '../experiment/ErrorBoundary';
import { entries } from '../experiment/entries';
import { Entries, Section } from '../experiment/Sections';
import { count, duration, exactTime } from '../format';
import type { Trans } from '../i18n';
import { locale } from '../i18n';
import type { Task, TaskAttempt, TaskSpec } from '../records';
import type { Services } from '../services';
import { useSignals } from '../signals';
import { describeTask, isLiveTask, reasonText, TASK_STATES, taskWord } from '../taskStatus';
import { look, ProgressBar, TaskTime } from './cells';
import * as deeds from './deeds';
import { openTaskMenu } from './menu';
import { TaskLog } from './TaskLog';
import type { TaskModel } from './taskModel';

interface Props {
  readonly model: TaskModel;
  readonly services: Services;
}

export function TaskPage({ model, services }: Props): JSX.Element {
  const { trans, events } = services;
  useSignals(model.changed, events.linkChanged);
  const [attempt, setAttempt] = useState<string | null>(null);
  const { task, error, isErrorWanted } = model;
  useEffect(() => {
    if (isErrorWanted) {
      setAttempt(null);
    }
  }, [isErrorWanted]);
  if (task === null) {
    return error === null ? <Skeleton trans={trans} /> : <Unavailable {...{ error, model, trans }} />;
  }
  return (
    <div className="aiplat-Page aiplat-TaskPage">
      <Header task={task} services={services} />
      <Notice task={task} model={model} services={services} />
      <div className="aiplat-PageColumns">
        <ErrorBoundary trans={trans}>
          <TaskLog model={model} attempt={attempt} onShow={setAttempt} services={services} />
        </ErrorBoundary>
        <ErrorBoundary trans={trans}>
          <aside className="aiplat-PageSide" aria-label={trans.__('Details')}>
            <Attempts task={task} shown={attempt ?? task.attempt} onShow={setAttempt} trans={trans} />
            <After task={task} services={services} />
            <Spec task={task} trans={trans} />
          </aside>
        </ErrorBoundary>
      </div>
    </div>
  );
}

function Header({ task, services }: { task: Task; services: Services }): JSX.Element {
  const { trans, commands } = services;
  const { icon, word, why } = describeTask(task, trans);
  const openExperiment = (): void =>
    void commands.execute(CommandIDs.openExperiment, { uid: task.experiment });
  return (
    <header className="aiplat-PageHeader">
      <span className="aiplat-PageStatus" data-status={look(task)} role="status" title={why || word}>
        <span className="aiplat-Status" data-status={look(task)} aria-hidden="true">
          {icon}
        </span>
        {word}
        {why && <span className="aiplat-PageCause">{why}</span>}
      </span>
      <div className="aiplat-PageTitle">
        <span className="aiplat-PageProject" title={task.project_name}>
          {task.project_name}
        </span>
        <span aria-hidden="true">/</span>
        <h1 title={task.name}>{task.name}</h1>
      </div>
      <div className="aiplat-PageFacts">
        <ProgressBar progress={task.progress} trans={trans} />
        <TaskTime row={task} trans={trans} />
        {task.experiment !== null && (
          <button type="button" className="aiplat-ChartLink" onClick={openExperiment}>
            {trans.__('experiment %1', task.experiment_name ?? task.experiment)}
          </button>
        )}
      </div>
      <Buttons task={task} services={services} />
    </header>
  );
}

function Buttons({ task, services }: { task: Task; services: Services }): JSX.Element {
  const { trans } = services;
  const canWrite = task.role !== 'viewer';
  const isOurs = task.kind !== 'notebook-live';
  return (
    <div className="aiplat-PageButtons">
      {canWrite && isLiveTask(task.state) && (
        <button type="button" className="aiplat-TextButton" onClick={() => void deeds.stop(services, task)}>
          {deeds.stopLabel(task, trans)}
        </button>
      )}
      {canWrite && isOurs && !isLiveTask(task.state) && (
        <button
          type="button"
          className="aiplat-TextButton"
          onClick={() => void deeds.retry(services, task.uid)}
        >
          {trans.__('Retry')}
        </button>
      )}
      {canWrite && isOurs && (
        <button
          type="button"
          className="aiplat-TextButton"
          onClick={() => void deeds.clone(services, task.uid)}
        >
          {trans.__('Clone')}
        </button>
      )}
      <button
        type="button"
        className="aiplat-TextButton"
        aria-label={trans.__('More actions')}
        aria-haspopup="menu"
        onClick={event => openTaskMenu(task, services, event.currentTarget)}
      >
        ⋯
      </button>
    </div>
  );
}

/** Every go at it; a click shows its log. */
function Attempts({
  task,
  shown,
  onShow,
  trans
}: {
  task: Task;
  shown: string;
  /** Null: the newest, also when there is a newer one. */
  onShow: (uid: string | null) => void;
  trans: Trans;
}): JSX.Element {
  return (
    <Section title={trans.__('Attempts')} aside={count(task.lineage.length)}>
      <ul className="aiplat-TaskAttempts">
        {[...task.lineage].reverse().map(one => (
          <li key={one.uid}>
            <button
              type="button"
              aria-pressed={one.uid === shown}
              title={trans.__('Show its log')}
              onClick={() => onShow(one.uid === task.attempt ? null : one.uid)}
            >
              <AttemptLine one={one} trans={trans} />
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function AttemptLine({ one, trans }: { one: TaskAttempt; trans: Trans }): JSX.Element {
  const took =
    one.started_at !== null && one.ended_at !== null ? duration(one.ended_at - one.started_at) : '';
  const facts = [reasonText(one, trans), took, one.gpus.length > 0 ? one.gpus.join(', ') : ''];
  return (
    <>
      <span className="aiplat-Status" data-status={one.state} aria-hidden="true">
        {TASK_STATES[one.state].icon}
      </span>
      <span>
        {trans.__('#%1 %2', one.number, taskWord(one.state, trans))}
        <small title={one.started_at === null ? '' : exactTime(one.started_at)}>
          {facts.filter(Boolean).join(' · ')}
        </small>
      </span>
    </>
  );
}

/** What it waits for. */
function After({ task, services }: { task: Task; services: Services }): JSX.Element | null {
  const { trans, commands } = services;
  if (task.after.length === 0) {
    return null;
  }
  const words = {
    ok: trans.__('must succeed'),
    any: trans.__('must end'),
    failed: trans.__('must fail')
  };
  return (
    <Section title={trans.__('Runs after')} aside={count(task.after.length)}>
      <ul className="aiplat-TaskAttempts">
        {task.after.map(one => (
          <li key={one.task}>
            <button
              type="button"
              onClick={() => void commands.execute(CommandIDs.openTask, { uid: one.task })}
            >
              <span className="aiplat-Status" data-status={one.state} aria-hidden="true">
                {TASK_STATES[one.state].icon}
              </span>
              <span>
                {one.name}
                <small>{`${taskWord(one.state, trans)} · ${words[one.on]}`}</small>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Spec({ task, trans }: { task: Task; trans: Trans }): JSX.Element {
  const { priority, executor, machine } = task;
  const facts = { ...told(task.spec), ...(priority === 0 ? {} : { priority }), executor, machine };
  return (
    <Section title={trans.__('What runs')}>
      <Entries all={entries(facts)} empty="" trans={trans} />
    </Section>
  );
}

/** What a task does when nothing is said. */
const USUAL: Readonly<Record<string, unknown>> = { slots: 1, grace_s: 30, retry_wait_s: 10 };

/** Leave out what was not asked for. */
function told(spec: TaskSpec): Record<string, unknown> {
  const isEmpty = (value: unknown): boolean =>
    !value || (typeof value === 'object' && Object.keys(value).length === 0);
  const asked = Object.entries(spec).filter(([name, value]) => !isEmpty(value) && USUAL[name] !== value);
  return Object.fromEntries(
    asked.map(([name, value]) => [name, Array.isArray(value) ? value.join(' ') : value])
  );
}

function Notice({ task, model, services }: Props & { task: Task }): JSX.Element | null {
  const { trans, events } = services;
  if (model.error !== null || events.link === 'stale' || events.link === 'unreachable') {
    const since = new Date(events.since * 1000).toLocaleTimeString(locale(), { timeStyle: 'short' });
    const retry = (): void => {
      events.retryNow();
      model.reload();
    };
    return (
      <Line text={trans.__('⚠ stale since %1, retrying', since)} action={trans.__('Retry')} act={retry} />
    );
  }
  if (task.lifecycle === 'active') {
    return null;
  }
  const text =
    task.lifecycle === 'trashed'
      ? trans.__('This task is in the trash.')
      : trans.__('This task is archived.');
  const restore = (): void => void deeds.move(services, [task.uid], 'restore');
  return <Line text={text} action={trans.__('Restore')} act={restore} />;
}

function Line({ text, action, act }: { text: string; action: string; act: () => void }): JSX.Element {
  return (
    <div className="aiplat-Notice" role="status">
      <span>{text}</span>
      <button type="button" className="aiplat-TextButton" onClick={act}>
        {action}
      </button>
    </div>
  );
}

function Skeleton({ trans }: { trans: Trans }): JSX.Element {
  const lasts = useLasting(true, 150);
  return (
    <div className="aiplat-Page aiplat-mod-waiting" role="status" aria-label={trans.__('Loading the task')}>
      {lasts && (
        <>
          <div className="aiplat-PageHeader">
            <span className="aiplat-PageBlank" />
          </div>
          <div className="aiplat-PageColumns">
            <div className="aiplat-PageCharts">
              <div className="aiplat-ChartSkeleton" />
            </div>
          </div>
        </>
      )}
    </div>
  );
}

function Unavailable({
  error,
  model,
  trans
}: {
  error: ApiError;
  model: TaskModel;
  trans: Trans;
}): JSX.Element {
  const what =
    error.status === 410
      ? trans.__('This task was deleted for good.')
      : error.status === 404
        ? trans.__('There is no such task, or you may not see it.')
        : trans.__('The task could not be loaded.');
  return (
    <div className="aiplat-Page aiplat-mod-waiting">
      <FailureCard
        what={what}
        detail={[error.code, error.detail, error.hint].filter(Boolean).join(' · ')}
        trans={trans}
        onRetry={() => model.reload()}
      />
    </div>
  );
}
