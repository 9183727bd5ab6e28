/** What the user chose in Lab's settings, live. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Severity, Smoothing } from './records';

export interface Choices {
  /** With which a chart opens. */
  smoothing: Smoothing;
  smoothingWeight: number;
  /** How to hear of changes; `poll` for proxies that hold streams back. */
  changes: 'stream' | 'poll';
  /** From which severity on an alert is told by a notification. */
  alerts: Severity | 'never';
}

const DEFAULTS: Choices = { smoothing: 'twema', smoothingWeight: 0.6, changes: 'stream', alerts: 'info' };

export class Preferences {
  private readonly _changed = new Signal<this, Choices>(this);
  private _choices = DEFAULTS;

  get choices(): Readonly<Choices> {
    return this._choices;
  }

  get changed(): ISignal<this, Choices> {
    return this._changed;
  }

  /** Follow `settings` from now on. */
  follow(settings: ISettingRegistry.ISettings): void {
    const read = (): void => {
      this._choices = { ...DEFAULTS, ...(settings.composite as Partial<Choices>) };
      this._changed.emit(this._choices);
    };
    settings.changed.connect(read);
    read();
  }
}
