/** A form without its looks: what was typed, what is wrong with it, and sending it. */

import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, isAbort, type ApiError } from '../errors';
import type { Trans } from '../i18n';
import type { Services } from '../services';

const CHECK_AFTER_MS = 400;

/** How to show what the server says of a field of the record. */
interface Faults<Field> {
  /** Which field of the form shows it. */
  readonly fieldOf: (path: string) => Field;
  /** What would be right, in the reader's language. */
  readonly translated: (right: string, trans: Trans) => string;
}

/** A `Draft` stands for a `Meant`, which the server checks while it is filled in; sent, it becomes a `Sent`. */
export abstract class DraftModel<Draft, Field extends string, Meant, Sent> implements IDisposable {
  problems: Partial<Record<Field, string>> = {};
  isChecking = false;
  isSending = false;
  /** How often it could not be sent. */
  refusals = 0;
  /** Why it could not be checked or sent, where no field is to blame. */
  error: ApiError | null = null;

  protected readonly lifetime = new AbortController();
  protected readonly _changed = new Signal<this, void>(this);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking = new AbortController();

  constructor(
    private _draft: Draft,
    readonly services: Pick<Services, 'api' | 'trans'>,
    private readonly faults: Faults<Field>
  ) {}

  get draft(): Draft {
    return this._draft;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  /** Take over what was typed; a moment later it is checked. */
  edit(change: Partial<Draft>): void {
    this.fill(change);
    this.error = null;
    const others = Object.entries(this.problems).filter(([field]) => !(field in change));
    this.problems = Object.fromEntries(others) as typeof this.problems;
    this.checkSoon();
  }

  /** Fill in what is known by now; nobody typed it, so nothing is checked. */
  protected fill(change: Partial<Draft>): void {
    this._draft = { ...this._draft, ...change };
    this._changed.emit();
  }

  /** Send it; null when it was refused. */
  async submit(): Promise<Sent | null> {
    clearTimeout(this.timer);
    this.isSending = true;
    this._changed.emit();
    try {
      const sent = await this.send();
      this.refusals += sent === null ? 1 : 0;
      return sent;
    } catch (reason) {
      this.take(asApiError(reason));
      this.refusals += 1;
      return null;
    } finally {
      this.isSending = false;
      this._changed.emit();
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.asking.abort();
    this.lifetime.abort();
    Signal.clearData(this);
  }

  /** What the draft stands for; null, and `problems` say why, where it stands for nothing. */
  protected abstract meant(): Meant | null;

  /** Let the server check it; answer what it says of which fields. */
  protected abstract ask(meant: Meant, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;

  /** Send it if nothing is wrong; null if something is. */
  protected abstract send(): Promise<Sent | null>;

  protected checkSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.check(), CHECK_AFTER_MS);
    this._changed.emit();
  }

  /** Answer whether nothing is wrong. */
  protected async check(): Promise<boolean> {
    const meant = this.meant();
    if (meant === null) {
      return false;
    }
    this.asking.abort();
    const mine = (this.asking = new AbortController());
    this.isChecking = true;
    this._changed.emit();
    try {
      this.problems = this.shown(await this.ask(meant, mine.signal));
      this.error = null;
    } catch (reason) {
      if (isAbort(reason)) {
        return false;
      }
      this.take(asApiError(reason));
    }
    this.isChecking = false;
    this._changed.emit();
    return this.error === null && Object.keys(this.problems).length === 0;
  }

  private take(error: ApiError): void {
    this.problems = this.shown(error.fields);
    this.error = Object.keys(this.problems).length === 0 ? error : null;
    this._changed.emit();
  }

  private shown(fields: Readonly<Record<string, string>>): typeof this.problems {
    const { fieldOf, translated } = this.faults;
    const problems: typeof this.problems = {};
    for (const [path, right] of Object.entries(fields)) {
      problems[fieldOf(path)] = translated(right, this.services.trans);
    }
    return problems;
  }
}
