/** The log of one attempt, in the page of its task. */

import { useEffect, useState, type JSX } from 'react';

import { Log } from '../logs/log';
import { LogView } from '../logs/LogView';
import { NO_CHOICE } from '../logs/model';
import { RestSource } from '../logs/rest';
import type { Task } from '../records';
import type { Services } from '../services';
import type { TaskModel } from './taskModel';

interface Props {
  readonly task: Task;
  readonly attempt: string;
  readonly model: TaskModel;
  readonly services: Services;
}

export function TaskLog({ task, attempt, model, services }: Props): JSX.Element {
  const { api, events, trans } = services;
  const [log, setLog] = useState<Log | null>(null);
  const shown = attempt === task.attempt ? '' : attempt;
  useEffect(() => {
    const made = new Log(new RestSource(api, events, task.uid), { ...NO_CHOICE, attempt: shown });
    setLog(made);
    return () => made.dispose();
  }, [api, events, task.uid, shown]);
  const isErrorWanted = model.isErrorWanted && shown === '';
  useEffect(() => {
    if (log !== null && isErrorWanted) {
      model.wantError(false);
      void log.reading.toFirstError();
    }
  }, [log, isErrorWanted, model]);
  return <main className="aiplat-TaskLog">{log && <LogView key={shown} log={log} trans={trans} />}</main>;
}
