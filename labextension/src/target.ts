/** What an action is applied to. */

import type { Lifecycle } from './records';

export interface Target {
  kind: 'project' | 'experiment';
  /** At least one. */
  uids: string[];
  /** The first one's. */
  name: string;
  lifecycle: Lifecycle;
  /** Those that can be asked to stop. */
  live: string[];
}
