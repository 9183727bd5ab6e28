/** Every go at a task; a click shows its log. */

import type { JSX } from 'react';

import { Section } from '../experiment/Sections';
import { gpuNames } from '../gpu/summary';
import { count, duration, exactTime } from '../format';
import type { Trans } from '../i18n';
import type { Task, TaskAttempt } from '../records';
import type { Services } from '../services';
import { useSignals } from '../signals';
import { reasonText, TASK_STATES, taskWord } from '../taskStatus';

export function Attempts({
  task,
  shown,
  onShow,
  services
}: {
  task: Task;
  shown: string;
  /** Null: the newest, also when there is a newer one. */
  onShow: (uid: string | null) => void;
  services: Pick<Services, 'gpus' | 'trans'>;
}): JSX.Element {
  const { gpus, trans } = services;
  useSignals(gpus.changed);
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
              <AttemptLine one={one} gpus={gpuNames(one.gpus, gpus.machines, trans)} trans={trans} />
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function AttemptLine({ one, gpus, trans }: { one: TaskAttempt; gpus: string; trans: Trans }): JSX.Element {
  const took =
    one.started_at !== null && one.ended_at !== null ? duration(one.ended_at - one.started_at) : '';
  const facts = [reasonText(one, trans), took, gpus];
  return (
    <>
      <span className="aiplat-Status" data-status={one.state} aria-hidden="true">
        {TASK_STATES[one.state].icon}
      </span>
      <span>
        {trans.__('#%1 %2', one.number, taskWord(one.state, trans))}
        <small
          title={[one.started_at === null ? '' : exactTime(one.started_at), ...one.gpus].join('\n').trim()}
        >
          {facts.filter(Boolean).join(' · ')}
        </small>
      </span>
    </>
  );
}
