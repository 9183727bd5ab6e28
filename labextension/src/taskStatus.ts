/** How the states of a task are shown; mirrors `aiplat_jupyter/core/states.py`, which a test compares. */

import { clockTime } from './format';
import type { Trans } from './i18n';
import type { TaskReason, TaskRow, TaskState } from './records';
import type { State } from './status';

export const TASK_STATES: Readonly<Record<TaskState, State>> = {
  queued: { icon: '◌', en: 'queued', zh: '排队中' },
  starting: { icon: '◌', en: 'starting', zh: '启动中' },
  running: { icon: '●', en: 'running', zh: '运行中' },
  stopping: { icon: '◼', en: 'stopping', zh: '正在停止' },
  succeeded: { icon: '✓', en: 'succeeded', zh: '已完成' },
  failed: { icon: '✕', en: 'failed', zh: '失败' },
  cancelled: { icon: '◼', en: 'cancelled', zh: '已取消' },
  timed_out: { icon: '⏱', en: 'timed out', zh: '超时' },
  lost: { icon: '?', en: 'lost', zh: '失联' }
};

/** Why a task waits, what is wrong while it runs, or how it ended; `%1` stands for the particulars. */
export const REASONS: Readonly<Record<TaskReason, { en: string; zh: string }>> = {
  '': { en: '', zh: '' },
  paused: { en: 'the queue is paused', zh: '队列已暂停' },
  after: { en: 'after %1', zh: '等待 %1' },
  gpus: { en: 'waits for GPUs (free/needed: %1)', zh: '等待 GPU（空闲/所需：%1）' },
  gpus_busy: { en: 'GPUs are used by others (free/needed: %1)', zh: 'GPU 被其他进程占用（空闲/所需：%1）' },
  slots: { en: 'waits for a free slot (taken: %1)', zh: '等待空闲槽位（已占用：%1）' },
  backoff: { en: 'next try %1', zh: '下次重试：%1' },
  no_agent: { en: '%1 is not running a server', zh: '%1 上没有运行服务器' },
  exit: { en: 'exit code %1', zh: '退出码 %1' },
  signal: { en: 'killed by %1', zh: '被 %1 终止' },
  memory: { en: 'out of memory', zh: '内存不足' },
  timeout: { en: 'longer than %1', zh: '超过时限 %1' },
  stopped: { en: 'stopped by %1', zh: '由 %1 停止' },
  dependency: { en: '%1 did not end as required', zh: '%1 未按要求结束' },
  not_started: { en: 'could not be started: %1', zh: '无法启动：%1' },
  unattended: { en: 'unsupervised: its exit code will not be known', zh: '无人监管，将无法得知退出码' },
  unsupervised: { en: 'ended unseen, exit code unknown', zh: '结束时无人监管，退出码未知' },
  rebooted: { en: 'the machine was restarted', zh: '机器已重启' }
};

/** The states of a task that has not ended. */
export const TASK_LIVE = ['queued', 'starting', 'running', 'stopping'] as const satisfies TaskState[];
export const TASK_ENDED = [
  'succeeded',
  'failed',
  'cancelled',
  'timed_out',
  'lost'
] as const satisfies TaskState[];

export function isLiveTask(state: TaskState): boolean {
  return (TASK_LIVE as readonly TaskState[]).includes(state);
}

export function taskWord(state: TaskState, trans: Trans): string {
  return trans.__(TASK_STATES[state].en);
}

type Reasoned = Pick<TaskRow, 'reason' | 'detail'>;

/** Return why it waits or how it ended, as people read it; empty when there is nothing to say. */
export function reasonText({ reason, detail }: Reasoned, trans: Trans): string {
  if (reason === '') {
    return '';
  }
  const isTime = reason === 'backoff' && Number.isFinite(Date.parse(detail));
  return trans.__(REASONS[reason].en, isTime ? clockTime(Date.parse(detail) / 1000) : detail);
}

/** Return icon, word and reason of a task's state. */
export function describeTask(
  row: Pick<TaskRow, 'state' | 'unreachable' | 'stop_requested' | 'machine'> & Reasoned,
  trans: Trans
): { icon: string; word: string; why: string } {
  if (row.unreachable && isLiveTask(row.state)) {
    return {
      icon: '?',
      word: trans.__('unreachable'),
      why: trans.__('%1 has not been heard of', row.machine)
    };
  }
  const state = row.stop_requested && row.state === 'running' ? 'stopping' : row.state;
  return { icon: TASK_STATES[state].icon, word: taskWord(state, trans), why: reasonText(row, trans) };
}
