/** What every part of the page is given. */

import type { CommandRegistry } from '@lumino/commands';
import { Token } from '@lumino/coreutils';

import type { Api } from './api';
import type { Events } from './events';
import type { GpuMonitor } from './gpu/monitor';
import type { Trans } from './i18n';
import type { Preferences } from './preferences';

export interface Services {
  readonly api: Api;
  readonly events: Events;
  readonly trans: Trans;
  readonly commands: CommandRegistry;
  readonly preferences: Preferences;
  readonly gpus: GpuMonitor;
}

export const IServices = new Token<Services>(
  'aiplat-jupyter:IServices',
  'The connection to the server part of aiplat_jupyter, shared by all parts of the page.'
);
