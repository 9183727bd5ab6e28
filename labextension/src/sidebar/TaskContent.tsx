/** What the row of a task shows. */

import type { JSX } from 'react';

import { shortDuration } from '../format';
import type { Trans } from '../i18n';
import type { TaskRow } from '../records';
import { useNow } from '../signals';
import { look } from '../tasks/cells';
import { describeTask } from '../taskStatus';
import { Cut } from './Cut';

export function TaskContent({ task, trans }: { task: TaskRow; trans: Trans }): JSX.Element {
  const { icon, word, why } = describeTask(task, trans);
  const spoken = why === '' ? word : `${word}: ${why}`;
  return (
    <>
      <span className="aiplat-Status" data-status={look(task)} role="img" aria-label={spoken} title={spoken}>
        {icon}
      </span>
      <span className="aiplat-Name" title={[task.name, task.project_name, spoken].join('\n')}>
        <Cut text={task.name} />
      </span>
      {task.started_at === null ? (
        <Waits why={why} />
      ) : (
        <Runs task={task} startedAt={task.started_at} why={why} />
      )}
    </>
  );
}

function Waits({ why }: { why: string }): JSX.Element {
  return (
    <span className="aiplat-TaskWaits" title={why}>
      {why}
    </span>
  );
}

interface RunsProps {
  readonly task: TaskRow;
  readonly startedAt: number;
  /** What is wrong with it. */
  readonly why: string;
}

function Runs({ task, startedAt, why }: RunsProps): JSX.Element {
  const now = useNow();
  const { progress } = task;
  const share = progress?.total != null && progress.total > 0 ? progress.done / progress.total : null;
  return (
    <>
      {why !== '' && (
        <span className="aiplat-TaskWarning" title={why} aria-hidden="true">
          ⚠
        </span>
      )}
      {share !== null && (
        <span className="aiplat-TaskBar" aria-hidden="true">
          <span style={{ width: `${Math.min(1, share) * 100}%` }} />
        </span>
      )}
      <span className="aiplat-Value">{share === null ? '' : `${Math.floor(share * 100)} %`}</span>
      <span className="aiplat-Age">{shortDuration(now - startedAt)}</span>
    </>
  );
}
