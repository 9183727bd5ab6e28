/** The log of the task that the experiment is trained by, under its curves. */

import { useEffect, useState, type JSX } from 'react';

import { CommandIDs } from '../commands';
import { isAbort } from '../errors';
import { Log } from '../logs/log';
import { LogView } from '../logs/LogView';
import { NO_CHOICE } from '../logs/model';
import { RestSource } from '../logs/rest';
import type { Experiment, TaskRow } from '../records';
import type { Services } from '../services';

interface Props {
  readonly experiment: Experiment;
  readonly services: Services;
}

/** Nothing where no task logs it: a script that was run by hand keeps no log. */
export function TaskLog({ experiment, services }: Props): JSX.Element | null {
  const { api, events, trans, commands } = services;
  const task = useTask({ experiment, services });
  const uid = task?.uid;
  const [log, setLog] = useState<Log | null>(null);
  useEffect(() => {
    if (uid === undefined) {
      return;
    }
    const made = new Log(new RestSource(api, events, uid), NO_CHOICE);
    setLog(made);
    return () => {
      setLog(null);
      made.dispose();
    };
  }, [api, events, uid]);
  if (task === null || log === null) {
    return null;
  }
  return (
    <section className="aiplat-PageLog" aria-label={trans.__('Log')}>
      <h2>
        {trans.__('Log')}
        <button
          type="button"
          className="aiplat-ChartLink"
          onClick={() => void commands.execute(CommandIDs.openTask, { uid: task.uid })}
        >
          {trans.__('task %1', task.name)}
        </button>
      </h2>
      <div className="aiplat-PageLogBody">
        <LogView log={log} trans={trans} />
      </div>
    </section>
  );
}

/** The newest task that logs it; asked for again with every attempt, as the link comes with the first record. */
function useTask({ experiment, services }: Props): TaskRow | null {
  const { api } = services;
  const { uid, attempt } = experiment;
  const [task, setTask] = useState<TaskRow | null>(null);
  useEffect(() => {
    const lifetime = new AbortController();
    api
      .tasks({ experiment: uid, sort: '-created', limit: 1 }, lifetime.signal)
      .then(({ items }) => setTask(items[0] ?? null))
      .catch((reason: unknown) => {
        if (!isAbort(reason)) {
          console.debug('aiplat: the task of an experiment cannot be found.', reason);
        }
      });
    return () => lifetime.abort();
  }, [api, uid, attempt]);
  return task;
}
