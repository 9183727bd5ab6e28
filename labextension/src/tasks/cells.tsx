/** The small parts of a task's row and page. */

import type { JSX } from 'react';

import { count, duration, exactTime, relative } from '../format';
import type { Trans } from '../i18n';
import type { Progress, TaskRow } from '../records';
import { useNow } from '../signals';
import { describeTask, isLiveTask } from '../taskStatus';

/** Which of the looks of a state it has: those of experiments are used where they mean the same. */
export function look({ state, unreachable }: Pick<TaskRow, 'state' | 'unreachable'>): string {
  return unreachable && isLiveTask(state) ? 'lost' : state;
}

/** Icon and word of the state. */
export function TaskState({ row, trans }: { row: TaskRow; trans: Trans }): JSX.Element {
  const { icon, word } = describeTask(row, trans);
  return (
    <span className="aiplat-TaskState" data-status={look(row)}>
      <span className="aiplat-Status" data-status={look(row)} aria-hidden="true">
        {icon}
      </span>
      {word}
    </span>
  );
}

/** How far it is, as a bar with a number; nothing where that is not known. */
export function ProgressBar({
  progress,
  trans
}: {
  progress: Progress | null;
  trans: Trans;
}): JSX.Element | null {
  if (progress === null) {
    return null;
  }
  const { done, total, text } = progress;
  if (total === null || total <= 0) {
    return <span className="aiplat-TaskProgress">{text || count(done)}</span>;
  }
  const share = Math.min(1, Math.max(0, done / total));
  const spoken = trans.__('%1 of %2', count(done), count(total));
  return (
    <span className="aiplat-TaskProgress" title={[text, spoken].filter(Boolean).join(' · ')}>
      <span
        className="aiplat-TaskBar"
        role="progressbar"
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={spoken}
      >
        <span style={{ width: `${share * 100}%` }} />
      </span>
      {Math.floor(share * 100)} %
    </span>
  );
}

/** How long it runs or ran, and how long ago it ended; while it waits, since when. */
export function TaskTime({ row, trans }: { row: TaskRow; trans: Trans }): JSX.Element {
  const isLive = isLiveTask(row.state);
  const now = useNow(isLive ? 1 : 60);
  const { started_at: start, ended_at: end, created_at: created } = row;
  const title = [
    trans.__('queued %1', exactTime(created)),
    ...(start === null ? [] : [trans.__('started %1', exactTime(start))]),
    ...(end === null ? [] : [trans.__('ended %1', exactTime(end))])
  ].join('\n');
  const took = start === null ? '' : duration((isLive ? now : (end ?? now)) - start);
  const ago = end === null || isLive ? '' : relative(end, 'short', now);
  const waits = isLive && start === null ? relative(created, 'short', now) : '';
  return (
    <span className="aiplat-TaskTime" title={title}>
      {[took, ago, waits].filter(Boolean).join(' · ')}
    </span>
  );
}

/** Why it waits or how it ended, and what it needs. */
export function TaskWhy({ row, trans }: { row: TaskRow; trans: Trans }): JSX.Element {
  const { why } = describeTask(row, trans);
  const errors = (row.log.levels.ERROR ?? 0) + (row.log.levels.CRITICAL ?? 0);
  const parts = [
    why,
    row.gpus > 0 && isLiveTask(row.state) ? trans._n('%1 GPU', '%1 GPUs', row.gpus) : '',
    row.attempts > 1 ? trans.__('attempt %1', row.attempts) : '',
    errors > 0 ? trans._n('%1 error line', '%1 error lines', errors) : ''
  ];
  const text = parts.filter(Boolean).join(' · ');
  return (
    <span className="aiplat-TaskWhy" data-status={look(row)} data-reason={row.reason} title={text}>
      {text}
    </span>
  );
}
