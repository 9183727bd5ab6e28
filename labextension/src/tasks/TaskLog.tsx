/** The log of one attempt, in the page of its task. */

import { useEffect, useState, type JSX } from 'react';

import { Log } from '../logs/log';
import { LogView } from '../logs/LogView';
import { NO_CHOICE } from '../logs/model';
import { RestSource } from '../logs/rest';
import type { Services } from '../services';
import type { TaskModel } from './taskModel';

interface Props {
  readonly model: TaskModel;
  /** Uid; null: the newest. */
  readonly attempt: string | null;
  /** The reader has chosen another one in the log. */
  readonly onShow: (attempt: string | null) => void;
  readonly services: Services;
}

export function TaskLog({ model, attempt, onShow, services }: Props): JSX.Element {
  const { api, events, trans } = services;
  const { uid, isErrorWanted } = model;
  const [log, setLog] = useState<Log | null>(null);
  useEffect(() => {
    const made = new Log(new RestSource(api, events, uid), NO_CHOICE);
    setLog(made);
    return () => made.dispose();
  }, [api, events, uid]);
  useEffect(() => {
    if (log === null) {
      return;
    }
    const chosen = (): string => log.model.choice.attempt;
    const wanted = attempt ?? '';
    if (chosen() !== wanted) {
      log.choose({ attempt: wanted, stream: '' });
    }
    return log.model.subscribe(() => {
      if (chosen() !== wanted) {
        onShow(chosen() || null);
      }
    });
  }, [log, attempt, onShow]);
  useEffect(() => {
    if (log !== null && isErrorWanted && attempt === null) {
      model.wantError(false);
      void log.reading.toFirstError();
    }
  }, [log, model, isErrorWanted, attempt]);
  return <main className="aiplat-TaskLog">{log && <LogView log={log} trans={trans} />}</main>;
}
