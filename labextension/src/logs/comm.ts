/** A log as a kernel passes it on, for notebooks outside of Lab. The kernel answers questions by their number. */

import { ApiError } from '../errors';
import type { Problem } from '../records';
import type { Link, LogHits, LogOwner, LogPage, LogQuery, LogSearch, News, Source } from './source';
import type { Trans } from './words';

/** What is used of an anywidget model. */
export interface Model {
  get(name: string): unknown;
  send(content: unknown): void;
  on(event: string, act: (value: unknown) => void): void;
  off(event: string, act: (value: unknown) => void): void;
}

type Answer =
  | { readonly id: number; readonly part: unknown; readonly isLast: boolean }
  | { readonly id: number; readonly problem: Pick<Problem, 'code' | 'status' | 'detail'> & Partial<Problem> };

interface Asked {
  onPart: (part: unknown) => void;
  onEnd: () => void;
  onProblem: (error: ApiError) => void;
}

/** Milliseconds without an answer after which the kernel is said to be busy. */
const PATIENCE = 2000;

export class CommSource implements Source {
  private readonly asked = new Map<number, Asked>();
  private readonly linked = new Set<() => void>();
  private last = 0;
  private _link: { state: Link; since: number } = { state: 'connected', since: Date.now() / 1000 };

  constructor(
    private readonly model: Model,
    private readonly trans: Trans
  ) {
    model.on('msg:custom', this.onMessage);
  }

  get caveat(): string {
    const { trans } = this;
    return this._link.state === 'lost'
      ? trans.__('The kernel is busy: a cell runs. The log goes on when it answers.')
      : trans.__('Asked through the kernel: it may stall while a cell runs.');
  }

  get link(): { state: Link; since: number } {
    return this._link;
  }

  onLink(act: () => void): () => void {
    this.linked.add(act);
    return () => void this.linked.delete(act);
  }

  dispose(): void {
    this.model.off('msg:custom', this.onMessage);
  }

  owner(signal: AbortSignal): Promise<LogOwner> {
    return this.one('owner', {}, signal);
  }

  page(query: LogQuery, signal: AbortSignal): Promise<LogPage> {
    return this.one('page', query, signal);
  }

  search(query: LogSearch, onHits: (hits: LogHits) => void, signal: AbortSignal): Promise<void> {
    return this.ask('search', query, part => onHits(part as LogHits), signal);
  }

  follow(onNews: (news: News) => void): () => void {
    const grew = (): void => onNews('grew');
    const changed = (): void => onNews('changed');
    this.model.on('change:grown', grew);
    this.model.on('change:changed', changed);
    return () => {
      this.model.off('change:grown', grew);
      this.model.off('change:changed', changed);
    };
  }

  downloadUrl(): null {
    return null;
  }

  lineUrl(): null {
    return null;
  }

  private async one<T>(what: string, query: object, signal: AbortSignal): Promise<T> {
    let answer: unknown;
    await this.ask(what, query, part => (answer = part), signal);
    return answer as T;
  }

  private ask(
    what: string,
    query: object,
    onPart: (part: unknown) => void,
    signal: AbortSignal
  ): Promise<void> {
    signal.throwIfAborted();
    const id = (this.last += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.setLink('lost'), PATIENCE);
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        this.asked.delete(id);
      };
      const abort = (): void => {
        end();
        this.model.send({ kind: 'cancel', id });
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort);
      this.asked.set(id, {
        onPart: part => {
          clearTimeout(timer);
          onPart(part);
        },
        onEnd: () => {
          end();
          resolve();
        },
        onProblem: error => {
          end();
          reject(error);
        }
      });
      this.model.send({ kind: 'ask', id, what, query });
    });
  }

  private readonly onMessage = (message: unknown): void => {
    const answer = message as Answer;
    const asked = this.asked.get(answer.id);
    this.setLink('connected');
    if ('problem' in answer) {
      asked?.onProblem(new ApiError(answer.problem));
      return;
    }
    asked?.onPart(answer.part);
    if (answer.isLast) {
      asked?.onEnd();
    }
  };

  private setLink(state: Link): void {
    if (state !== this._link.state) {
      this._link = { state, since: Date.now() / 1000 };
      this.linked.forEach(act => act());
    }
  }
}
