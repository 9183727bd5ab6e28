/** One connection for the whole page, however many parts of it listen for changes. */

import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Api } from './api';
import { Channel } from './channel';
import type { Patience } from './channel';
import { pause } from './clock';
import { Neighbours } from './neighbours';
import type { Told } from './records';

/**
 * How the page stands to the server part: `connected`; `stale`, lost and being sought again; `unreachable`, sought
 * several times in vain. `idle` when nobody listens or the tab is hidden, `connecting` before the first contact.
 */
export type Link = 'idle' | 'connecting' | 'connected' | 'stale' | 'unreachable';

/** Called with each change of the followed topics, or with `resync`: what you know may be out of date, ask again. */
export type Listener = (news: Told | 'resync') => void;

/** Milliseconds. */
export interface Timing extends Patience {
  /** Topics that are asked for within this time share one opening. */
  gather: number;
  /** A tab that is hidden for so long lets go of its connection. */
  hidden: number;
  /** The first and the longest wait before the next attempt; it doubles between them. */
  retry: readonly [number, number];
}

const TIMING: Timing = {
  gather: 50,
  silence: 30_000,
  wait: 20_000,
  look: 500,
  hidden: 30_000,
  retry: [1000, 15_000]
};
const VAIN_ATTEMPTS = 3;

export class Events implements IDisposable {
  private readonly timing: Timing;
  private readonly channel: Channel;
  private readonly followers = new Set<{ topics: ReadonlySet<string>; listener: Listener }>();
  private readonly _linkChanged = new Signal<this, Link>(this);
  private connection: AbortController | null = null;
  private topics: string[] = [];
  private seq: number | null = null;
  private failures = 0;
  private isAway = false;
  private hiding: ReturnType<typeof setTimeout> | undefined;
  private gathering: ReturnType<typeof setTimeout> | undefined;
  private _link: Link = 'idle';
  private _since = Date.now() / 1000;
  private _isDisposed = false;

  constructor(
    api: Api,
    timing: Partial<Timing> = {},
    private readonly neighbours = new Neighbours()
  ) {
    this.timing = { ...TIMING, ...timing };
    this.channel = new Channel(api, this.timing, neighbours);
    document.addEventListener('visibilitychange', this.onVisibility);
    window.addEventListener('online', this.retryNow);
  }

  get link(): Link {
    return this._link;
  }

  /** Since when it is connected, or has no connection, in seconds since 1970. */
  get since(): number {
    return this._since;
  }

  get linkChanged(): ISignal<this, Link> {
    return this._linkChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Call `listener` with the changes of `topics`, until the answer is disposed. */
  follow(topics: readonly string[], listener: Listener): IDisposable {
    const follower = { topics: new Set(topics), listener };
    this.followers.add(follower);
    this.gather();
    return new DisposableDelegate(() => {
      this.followers.delete(follower);
      this.gather();
    });
  }

  /** Hear of changes by repeated questions from now on, or by a stream. */
  setPolling(polls: boolean): void {
    if (polls !== this.channel.polls) {
      this.channel.polls = polls;
      this.reopen();
    }
  }

  /** Connect anew, as Lab has just failed to reach the server: a proxy may keep a stream whose server is gone. */
  readonly check = (): void => {
    if (this._link === 'connected') {
      this.reopen();
    }
  };

  /** Look for the server at once instead of when the present wait is over. */
  readonly retryNow = (): void => {
    if (this._link === 'stale' || this._link === 'unreachable') {
      this.reopen();
    }
  };

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this.hiding);
    clearTimeout(this.gathering);
    document.removeEventListener('visibilitychange', this.onVisibility);
    window.removeEventListener('online', this.retryNow);
    this.followers.clear();
    this.connection?.abort();
    this.neighbours.dispose();
    Signal.clearData(this);
  }

  private readonly onVisibility = (): void => {
    clearTimeout(this.hiding);
    if (document.visibilityState === 'hidden') {
      this.hiding = setTimeout(() => this.setAway(true), this.timing.hidden);
    } else if (this.isAway) {
      this.setAway(false);
    }
  };

  private setAway(isAway: boolean): void {
    this.isAway = isAway;
    this.reopen();
  }

  private gather(): void {
    clearTimeout(this.gathering);
    if (this._isDisposed) {
      return;
    }
    this.gathering = setTimeout(() => {
      const topics = [...new Set([...this.followers].flatMap(follower => [...follower.topics]))].sort();
      if (topics.join(' ') !== this.topics.join(' ')) {
        this.topics = topics;
        this.reopen();
      }
    }, this.timing.gather);
  }

  private reopen(): void {
    this.connection?.abort();
    this.connection = null;
    if (this.topics.length === 0 || this.isAway) {
      this.neighbours.release();
      this.setLink('idle');
    } else {
      this.connection = new AbortController();
      void this.stayConnected(this.connection.signal);
    }
  }

  /** Hear, and after each break hear again, until `signal` aborts. */
  private async stayConnected(signal: AbortSignal): Promise<void> {
    if (this._link === 'idle') {
      this.setLink('connecting');
    }
    while (!signal.aborted) {
      try {
        await this.channel.hear(
          this.topics,
          this.seq,
          { reached: this.onReached, heard: this.onHeard, looked: this.onLooked },
          signal
        );
      } catch (reason) {
        if (!signal.aborted) {
          console.debug('aiplat: the connection for changes broke off.', reason);
          await this.waitAfterFailure(signal);
        }
      }
    }
  }

  private async waitAfterFailure(signal: AbortSignal): Promise<void> {
    this.failures += 1;
    this.setLink(this.failures < VAIN_ATTEMPTS ? 'stale' : 'unreachable');
    const [first, longest] = this.timing.retry;
    const delay = Math.min(longest, first * 2 ** (this.failures - 1));
    await pause(delay * (0.75 + Math.random() / 2), signal).catch(() => undefined);
  }

  private readonly onReached = (): void => {
    this.failures = 0;
    this.setLink('connected');
    if (this.seq === null) {
      // Nobody knows what happened between the first questions and now.
      this.tell('resync');
    }
  };

  private readonly onHeard = (seq: number | null, news: Told | 'resync' | null): void => {
    this.seq = seq ?? this.seq;
    if (news !== null) {
      this.tell(news);
    }
  };

  /** Growth of logs and samples of GPUs are told once and not kept. */
  private readonly onLooked = (): void => {
    for (const { topics, listener } of [...this.followers]) {
      if ([...topics].some(topic => topic === 'gpu' || topic.startsWith('log:'))) {
        listener('resync');
      }
    }
  };

  private tell(news: Told | 'resync'): void {
    for (const { topics, listener } of [...this.followers]) {
      if (news === 'resync' || topics.has(news.topic)) {
        listener(news);
      }
    }
  }

  private setLink(link: Link): void {
    if (link !== this._link) {
      const isStillLost = this._link === 'stale' && link === 'unreachable';
      this._since = isStillLost ? this._since : Date.now() / 1000;
      this._link = link;
      this._linkChanged.emit(link);
    }
  }
}
