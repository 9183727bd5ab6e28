/** The page of one task: how it fares, its log, what it runs, its attempts. */

import { useEffect, useState, type JSX } from 'react';

import { AlertBanner } from '../alerts/Banner';
import { CommandIDs } from '../commands';
import type { ApiError } from '../errors';
import { ErrorBoundary } from '../experiment/ErrorBoundary';
import { Entries, Section } from '../experiment/Sections';
import { count } from '../format';
import type { Trans } from '../i18n';
import { MoreButton } from '../page/MoreButton';
import { isStale, Notice, staleText } from '../page/Notice';
import { Skeleton, Unavailable } from '../page/Waiting';
import type { Task } from '../records';
import type { Services } from '../services';
import { useSignals } from '../signals';
import { describeTask, isLiveTask, TASK_STATES, taskWord } from '../taskStatus';
import { Attempts } from './Attempts';
import { look, ProgressBar, TaskTime } from './cells';
import { conditionWords } from './conditions';
import * as deeds from './deeds';
import { openTaskMenu } from './menu';
import { specEntries } from './spec';
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
    const retry = (): void => model.reload();
    return error === null ? (
      <Blank trans={trans} />
    ) : (
      <Unavailable what={goneText(error, trans)} error={error} onRetry={retry} trans={trans} />
    );
  }
  return (
    <div className="aiplat-Page aiplat-TaskPage">
      <Header task={task} services={services} />
      <Said task={task} model={model} services={services} />
      <ErrorBoundary trans={trans}>
        <AlertBanner about={{ task: task.uid }} services={services} />
      </ErrorBoundary>
      <div className="aiplat-PageColumns">
        <ErrorBoundary trans={trans}>
          <TaskLog model={model} attempt={attempt} onShow={setAttempt} services={services} />
        </ErrorBoundary>
        <ErrorBoundary trans={trans}>
          <aside className="aiplat-PageSide" aria-label={trans.__('Details')}>
            <Attempts task={task} shown={attempt ?? task.attempt} onShow={setAttempt} services={services} />
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
        {why && (
          <span className="aiplat-PageCause" data-reason={task.reason}>
            {why}
          </span>
        )}
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
        {task.kind === 'notebook' && task.started_at !== null && (
          <a
            className="aiplat-ChartLink"
            href={services.api.notebookUrl(task.uid)}
            title={trans.__('Download the notebook with its outputs, as far as it has run')}
            download
          >
            {trans.__('⤓ outputs')}
          </a>
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
      <MoreButton onOpen={button => openTaskMenu(task, services, button)} trans={trans} />
    </div>
  );
}

/** What it waits for. */
function After({ task, services }: { task: Task; services: Services }): JSX.Element | null {
  const { trans, commands } = services;
  if (task.after.length === 0) {
    return null;
  }
  const words = conditionWords(trans);
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
  return (
    <Section title={trans.__('What runs')}>
      <Entries all={specEntries(task, trans)} empty="" trans={trans} />
    </Section>
  );
}

function Said({ task, model, services }: Props & { task: Task }): JSX.Element | null {
  const { trans, events } = services;
  if (model.error !== null || isStale(events)) {
    const retry = (): void => {
      events.retryNow();
      model.reload();
    };
    return <Notice text={staleText(events, trans)} action={trans.__('Retry')} onAct={retry} />;
  }
  if (task.lifecycle === 'active') {
    return null;
  }
  const text =
    task.lifecycle === 'trashed'
      ? trans.__('This task is in the trash.')
      : trans.__('This task is archived.');
  const restore = (): void => void deeds.move(services, [task.uid], 'restore');
  return <Notice text={text} action={trans.__('Restore')} onAct={restore} />;
}

function Blank({ trans }: { trans: Trans }): JSX.Element {
  return (
    <Skeleton label={trans.__('Loading the task')}>
      <div className="aiplat-PageCharts">
        <div className="aiplat-ChartSkeleton" />
      </div>
    </Skeleton>
  );
}

function goneText({ status }: ApiError, trans: Trans): string {
  if (status === 410) {
    return trans.__('This task was deleted for good.');
  }
  return status === 404
    ? trans.__('There is no such task, or you may not see it.')
    : trans.__('The task could not be loaded.');
}
