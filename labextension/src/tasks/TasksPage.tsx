/** The page of all tasks: the queue, what has ended, and who runs them. */

import { useState, type JSX } from 'react';

import { CommandIDs } from '../commands';
import { count } from '../format';
import type { Trans } from '../i18n';
import { Heading } from '../page/Heading';
import { Stale } from '../page/Notice';
import type { Agent } from '../records';
import type { Services } from '../services';
import { useSignals } from '../signals';
import { ErrorBoundary } from '../experiment/ErrorBoundary';
import { attempt } from './deeds';
import type { TasksModel } from './model';
import { Schedules } from './Schedules';
import { TaskTable } from './TaskTable';

interface Props {
  readonly model: TasksModel;
  readonly services: Services;
}

export function TasksPage({ model, services }: Props): JSX.Element {
  const { trans, events } = services;
  useSignals(model.changed, events.linkChanged);
  const { queue, ended } = model;
  return (
    <div className="aiplat-Page aiplat-TasksPage" data-link={events.link}>
      <Header model={model} services={services} />
      <Stale error={model.error} onRetry={() => void model.refresh()} services={services} />
      <main>
        <ErrorBoundary trans={trans}>
          <section>
            <Heading title={trans.__('Queue')} total={queue.total} />
            <TaskTable
              title={trans.__('Queue')}
              list={queue}
              empty={<EmptyQueue isSearch={model.query !== ''} services={services} />}
              services={services}
            />
          </section>
        </ErrorBoundary>
        <ErrorBoundary trans={trans}>
          <Schedules list={model.schedules} services={services} />
        </ErrorBoundary>
        <ErrorBoundary trans={trans}>
          <section>
            <Heading title={trans.__('Ended')} total={ended.total}>
              <label className="aiplat-Check">
                <input
                  type="checkbox"
                  checked={model.failedOnly}
                  onChange={event => model.setFailedOnly(event.target.checked)}
                />
                {trans.__('only those that failed')}
              </label>
            </Heading>
            <TaskTable
              title={trans.__('Ended')}
              list={ended}
              empty={<p className="aiplat-PageNothing">{trans.__('None yet.')}</p>}
              services={services}
            />
          </section>
        </ErrorBoundary>
      </main>
    </div>
  );
}

function Header({ model, services }: Props): JSX.Element {
  const { trans, commands } = services;
  const [query, setQuery] = useState(model.query);
  const search = (text: string): void => {
    setQuery(text);
    model.setQuery(text.trim());
  };
  return (
    <header className="aiplat-PageHeader">
      <div className="aiplat-PageTitle">
        <h1>{trans.__('Tasks')}</h1>
      </div>
      <div className="aiplat-PageFacts">{model.own && <Capacity agent={model.own} trans={trans} />}</div>
      <input
        type="search"
        className="aiplat-Filter"
        placeholder={trans.__('Search')}
        aria-label={trans.__('Search tasks')}
        value={query}
        onChange={event => search(event.target.value)}
      />
      <div className="aiplat-PageButtons">
        {model.own && <PauseButton agent={model.own} model={model} services={services} />}
        <button
          type="button"
          className="aiplat-TextButton aiplat-mod-primary"
          onClick={() => void commands.execute(CommandIDs.newTask, {})}
        >
          {trans.__('New task…')}
        </button>
      </div>
    </header>
  );
}

/** What the machine has, and how much of it is taken. */
function Capacity({ agent, trans }: { agent: Agent; trans: Trans }): JSX.Element {
  const taken = agent.gpus.filter(gpu => gpu.task !== null).length;
  return (
    <>
      <span title={`${agent.username}@${agent.machine}`}>{agent.machine}</span>
      <span>{trans.__('%1 of %2 slots', count(agent.slots_taken), count(agent.slots))}</span>
      {agent.gpus.length > 0 && (
        <span title={agent.gpus.map(gpu => `${gpu.index} ${gpu.name}`).join('\n')}>
          {trans.__('%1 of %2 GPUs', count(taken), count(agent.gpus.length))}
        </span>
      )}
      {agent.is_paused && <span className="aiplat-Amber">⏸ {trans.__('the queue is paused')}</span>}
    </>
  );
}

function PauseButton({ agent, model, services }: Props & { agent: Agent }): JSX.Element {
  const { api, trans } = services;
  const act = (): void => {
    const verb = agent.is_paused ? 'resume' : 'pause';
    void attempt(services, api.applyToAgent(agent.uid, verb)).then(() => model.refresh());
  };
  return (
    <button
      type="button"
      className="aiplat-TextButton"
      title={trans.__('A paused queue starts no further tasks; what runs goes on.')}
      onClick={act}
    >
      {agent.is_paused ? trans.__('Resume queue') : trans.__('Pause queue')}
    </button>
  );
}

function EmptyQueue({ isSearch, services }: { isSearch: boolean; services: Services }): JSX.Element {
  const { trans } = services;
  return isSearch ? (
    <p className="aiplat-PageNothing">{trans.__('No task in the queue matches.')}</p>
  ) : (
    <p className="aiplat-PageNothing">
      {trans.__(
        'Nothing is queued. “New task…” runs a script, a command or a notebook in the background: it goes on when the browser closes and when the Jupyter server restarts.'
      )}
    </p>
  );
}
