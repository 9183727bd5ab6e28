/** How the states of an experiment are shown; mirrors `aiplat_jupyter/core/states.py`, which a test compares. */

import type { Trans } from './i18n';
import type { ExperimentRow, ExperimentStatus } from './records';

export interface State {
  icon: string;
  en: string;
  zh: string;
}

export const STATES: Readonly<Record<ExperimentStatus, State>> = {
  pending: { icon: '◌', en: 'pending', zh: '等待中' },
  running: { icon: '●', en: 'running', zh: '运行中' },
  finished: { icon: '✓', en: 'finished', zh: '已完成' },
  failed: { icon: '✕', en: 'failed', zh: '失败' },
  interrupted: { icon: '⏸', en: 'interrupted', zh: '已中断' },
  stopped: { icon: '◼', en: 'stopped', zh: '已停止' },
  lost: { icon: '?', en: 'lost', zh: '失联' }
};

export const LIVE: readonly ExperimentStatus[] = ['pending', 'running'];

export function isLive(status: ExperimentStatus): boolean {
  return LIVE.includes(status);
}

/** Return the word for a state, as people read it. */
export function statusWord(status: ExperimentStatus, trans: Trans): string {
  return trans.__(STATES[status].en);
}

/** Return the icon, the word and the reason of an experiment's state. */
export function describe(
  row: Pick<ExperimentRow, 'status' | 'cause' | 'unreachable' | 'stop_requested'>,
  trans: Trans
): { icon: string; word: string; cause: string } {
  if (row.status === 'running' && row.unreachable) {
    const cause = trans.__('its machine has not been heard of for a minute');
    return { icon: '?', word: trans.__('unreachable'), cause };
  }
  if (isLive(row.status) && row.stop_requested) {
    return { icon: STATES[row.status].icon, word: trans.__('stopping'), cause: row.cause };
  }
  return { icon: STATES[row.status].icon, word: statusWord(row.status, trans), cause: row.cause };
}
