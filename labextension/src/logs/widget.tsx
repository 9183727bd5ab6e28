/** The page of one log. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { JSONObject } from '@lumino/coreutils';
import { Signal, type ISignal } from '@lumino/signaling';
import type { JSX } from 'react';

import type { Services } from '../services';
import { Log } from './log';
import { LogView } from './LogView';
import { restoreLooks, type Looks } from './looks';
import { NO_CHOICE, type Choice } from './model';
import { RestSource } from './rest';
import { CONSOLE, LEVELS } from './source';

/** What of a log to open. */
export interface Target {
  readonly task: string;
  /** Uid; empty: the newest. */
  readonly attempt?: string;
  readonly stream?: string;
  readonly line?: number;
  /** `saved` of an earlier session. */
  readonly saved?: unknown;
}

export class LogWidget extends ReactWidget {
  readonly log: Log;
  private looks: Looks;
  private readonly _stateChanged = new Signal<this, void>(this);

  constructor(
    readonly target: Target,
    private readonly services: Services
  ) {
    super();
    const { api, events, trans } = services;
    const { task, line } = target;
    this.looks = restoreLooks((target.saved as { looks?: unknown } | undefined)?.looks);
    this.log = new Log(new RestSource(api, events, task), restoreChoice(target), line);
    this.addClass('aiplat-LogPage');
    this.title.label = trans.__('Log: %1', task);
    let { choice } = this.log.model;
    this.log.model.subscribe(() => {
      this.title.label = trans.__('Log: %1', this.log.model.owner?.name ?? task);
      if (choice !== this.log.model.choice) {
        ({ choice } = this.log.model);
        this._stateChanged.emit();
      }
    });
  }

  get saved(): JSONObject {
    return { looks: { ...this.looks }, choice: { ...this.log.model.choice } };
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Show another place of the log. */
  go({ attempt, line, ...target }: Target): void {
    const { choice } = this.log.model;
    const stream = target.stream ?? (line === undefined ? undefined : CONSOLE);
    if (
      (attempt !== undefined && attempt !== choice.attempt) ||
      (stream !== undefined && stream !== choice.stream)
    ) {
      this.log.choose({ attempt: attempt ?? choice.attempt, stream: stream ?? choice.stream });
    }
    if (line !== undefined) {
      this.log.reading.jump(line);
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.log.dispose();
      super.dispose();
    }
  }

  protected override render(): JSX.Element {
    const onLooks = (looks: Looks): void => {
      this.looks = looks;
      this._stateChanged.emit();
    };
    return <LogView log={this.log} trans={this.services.trans} looks={this.looks} onLooks={onLooks} />;
  }
}

function restoreChoice({ attempt, stream, saved }: Target): Choice {
  const given = (saved as { choice?: Partial<Record<keyof Choice, unknown>> } | undefined)?.choice ?? {};
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    ...NO_CHOICE,
    attempt: attempt ?? text(given.attempt),
    stream: stream ?? text(given.stream),
    level: LEVELS.find(level => level === given.level) ?? null
  };
}
