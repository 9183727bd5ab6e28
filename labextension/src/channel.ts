/**
 * Ways to hear of changes: the stream; repeated long polls where a proxy holds streams back; a look now and then where
 * other tabs hold all the streams that a browser can spare.
 */

import type { Api } from './api';
import { pause } from './clock';
import type { Neighbours } from './neighbours';
import type { Changes, GpuStatus, Told } from './records';
import { messages } from './sse';

/** Milliseconds. */
export interface Patience {
  /** A stream of which nothing is heard for so long is dead; one that never said anything is held back by a proxy. */
  silence: number;
  /** How long one long poll waits. */
  wait: number;
  /** Between two looks, and how long each takes. */
  look: number;
}

/** Looks after which a tab without a stream tries again to get one. */
const LOOKS = 10;

export interface Hearing {
  /** The server was reached. */
  reached: () => void;
  /** `seq` is where the sequence stands now, if that is known; each call may bring a change, or `resync`. */
  heard: (seq: number | null, news: Told | 'resync' | null) => void;
  /** What is told once and not kept may have been missed. */
  looked: () => void;
}

export class Channel {
  /** Once true it stays so until the page is loaded again: the proxy between will not change its ways. */
  polls = false;

  constructor(
    private readonly api: Api,
    private readonly patience: Patience,
    private readonly neighbours: Neighbours
  ) {}

  /** Hear of `topics` behind `after` until `signal` aborts or the connection breaks: always ends by throwing. */
  async hear(topics: string[], after: number | null, hearing: Hearing, signal: AbortSignal): Promise<never> {
    let seq = after;
    while (!this.polls && !(await this.neighbours.take())) {
      seq = await this.lookAround(topics, seq, hearing, signal);
    }
    signal.throwIfAborted();
    return this.polls ? this.repeat(topics, seq, hearing, signal) : this.stream(topics, seq, hearing, signal);
  }

  /** Look several times; answers where the sequence stands. */
  private async lookAround(
    topics: string[],
    after: number | null,
    hearing: Hearing,
    signal: AbortSignal
  ): Promise<number> {
    let seq = after;
    for (let i = 0; i < LOOKS || seq === null; i++) {
      seq = await this.poll(topics, seq, this.patience.look, hearing, signal);
      hearing.looked();
      await pause(this.patience.look, signal);
    }
    return seq;
  }

  private async stream(
    topics: string[],
    after: number | null,
    hearing: Hearing,
    signal: AbortSignal
  ): Promise<never> {
    const silence = new Silence(this.patience.silence);
    try {
      const either = AbortSignal.any([signal, silence.signal]);
      const response = await this.api.events({ topics, after }, either);
      hearing.reached();
      if (response.body !== null) {
        for await (const message of messages(response.body, () => silence.broken())) {
          hearing.heard(message.id === '' ? null : Number(message.id), newsOf(message.event, message.data));
        }
      }
      throw new Error('The server closed the stream.');
    } catch (reason) {
      this.polls = silence.signal.aborted && !silence.wasBroken;
      throw reason;
    } finally {
      silence.end();
    }
  }

  private async repeat(
    topics: string[],
    after: number | null,
    hearing: Hearing,
    signal: AbortSignal
  ): Promise<never> {
    let seq = after;
    for (;;) {
      seq = await this.poll(topics, seq, this.patience.wait, hearing, signal);
    }
  }

  private async poll(
    topics: string[],
    after: number | null,
    milliseconds: number,
    hearing: Hearing,
    signal: AbortSignal
  ): Promise<number> {
    const response = await this.api.events({ topics, after, wait: milliseconds / 1000 }, signal);
    const answer = (await response.json()) as Changes;
    const { next } = answer;
    hearing.reached();
    hearing.heard(next, answer.resync ? 'resync' : null);
    answer.items.forEach(change => hearing.heard(next, change));
    return next;
  }
}

function newsOf(event: string, data: string): Told | 'resync' | null {
  if (event === 'resync') {
    return 'resync';
  }
  if (data === '') {
    return null;
  }
  return event === 'gpu' ? sampled(JSON.parse(data) as GpuStatus) : (JSON.parse(data) as Told);
}

function sampled(status: GpuStatus): Told {
  const { agent: uid, at } = status;
  return { topic: 'gpu', kind: 'sampled', uid, at, seq: 0, project: null, status };
}

/** Aborts when nothing breaks it for some time. */
class Silence {
  wasBroken = false;
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly milliseconds: number) {
    this.begin();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  broken(): void {
    this.wasBroken = true;
    this.begin();
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private begin(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => this.controller.abort(new Error('The stream fell silent.')),
      this.milliseconds
    );
  }
}
