/** The log of one attempt, in the page of its task. */

import type { JSX } from 'react';

import type { Task } from '../records';
import type { Services } from '../services';

interface Props {
  readonly task: Task;
  readonly attempt: string;
  readonly services: Services;
}

export function TaskLog({ task, attempt }: Props): JSX.Element {
  return <main className="aiplat-TaskLog" data-task={task.uid} data-attempt={attempt} />;
}
