/** A log in memory that a test writes to, behind the interface that views ask. */

import { ApiError } from '../errors';
import { atLeast, LEVELS, RANKS } from '../logs/source';
import type {
  Level,
  Link,
  LogHits,
  LogLine,
  LogOwner,
  LogPage,
  LogQuery,
  LogSearch,
  News,
  Source
} from '../logs/source';
import type { Trans } from '../logs/words';

/** What a view says where nothing is translated. */
export const ENGLISH: Trans = {
  __: (text, ...places) => text.replace(/%(\d)/g, (_, i) => String(places[Number(i) - 1]))
};

/** Everything is so wide, and twenty rows high. */
export class SomeSize {
  constructor(private readonly tell: (entries: object[]) => void) {}

  observe(): void {
    this.tell([{ contentRect: { width: 800, height: 20 * 18 } }]);
  }

  disconnect(): void {
    return;
  }
}

type Made = Omit<LogLine, 'number' | 'offset'>;

export class FakeLog implements Source {
  readonly asked: LogQuery[] = [];
  readonly searched: LogSearch[] = [];
  lines: LogLine[] = [];
  generation = 0;
  isComplete = false;
  isRemoved = false;
  attempt = 'a1';
  attempts = ['a1'];
  streams: string[] = ['out'];
  /** Those of them in which there is nothing. */
  empty: string[] = [];
  experiment: string | null = null;
  /** Thrown by every question while it is set. */
  error: Error | null = null;
  /** Holds answers back while it is set. */
  gate: Promise<void> | null = null;
  link: { state: Link; since: number } = { state: 'connected', since: 1_700_000_000 };
  private readonly followers = new Set<(news: News) => void>();
  private readonly linked = new Set<() => void>();

  /** Write lines and tell. */
  write(...made: (string | Made)[]): this {
    const first = this.lines.length + 1;
    made.forEach((one, i) => {
      const line = typeof one === 'string' ? { text: one } : one;
      this.lines.push({ ...line, number: first + i, offset: (first + i) * 100 });
    });
    this.tell('grew');
    return this;
  }

  /** Write `count` lines `line 1`, `line 2` … */
  fill(count: number, level: (number: number) => Level | null = () => null): this {
    const from = this.lines.length + 1;
    return this.write(
      ...Array.from({ length: count }, (_, i) => ({ text: `line ${from + i}`, level: level(from + i) }))
    );
  }

  /** The job empties its file and writes anew. */
  truncate(...made: string[]): void {
    this.lines = [];
    this.generation += 1;
    this.write(...made);
  }

  tell(news: News): void {
    this.followers.forEach(follower => follower(news));
  }

  setLink(state: Link): void {
    this.link = { state, since: 1_700_000_000 };
    this.linked.forEach(act => act());
  }

  async owner(): Promise<LogOwner> {
    await this.wait();
    const attempts = this.attempts.map((uid, i) => ({ uid, number: i + 1 }));
    return { task: 't1', name: 'train', isLive: !this.isComplete, experiment: this.experiment, attempts };
  }

  async page(query: LogQuery, signal: AbortSignal): Promise<LogPage> {
    this.asked.push(query);
    await this.wait();
    signal.throwIfAborted();
    const stream = query.stream === undefined || query.stream === '' ? 'out' : query.stream;
    if (!this.streams.includes(stream)) {
      throw new ApiError({ code: 'not_found', status: 404, detail: `There is no log ${stream}.` });
    }
    const lines = this.linesOf(stream);
    const fitting = lines.filter(line => isAtLeast(line, query.min_level));
    const levels = Object.fromEntries(
      LEVELS.map(level => [level, lines.filter(line => line.level === level).length])
    );
    const size = lines.length * 100;
    return {
      attempt: query.attempt === undefined || query.attempt === '' ? this.attempt : query.attempt,
      stream,
      generation: this.generation,
      lines: this.pick(fitting, query),
      total: lines.length,
      matching: query.min_level === undefined ? lines.length : atLeast(query.min_level, levels),
      size,
      indexed: size,
      levels,
      is_complete: this.isComplete,
      is_removed: this.isRemoved,
      streams: this.streams.map(name => {
        const { length } = this.linesOf(name);
        return { name, lines: length, size: length * (name === RANKS ? 300 : 100) };
      })
    };
  }

  private linesOf(stream: string): readonly LogLine[] {
    return this.empty.includes(stream) ? [] : this.lines;
  }

  async search(query: LogSearch, onHits: (hits: LogHits) => void, signal: AbortSignal): Promise<void> {
    this.searched.push(query);
    await this.wait();
    signal.throwIfAborted();
    const size = this.lines.length * 100;
    if (query.regex === true && query.q.includes('(')) {
      const message = 'A group is not closed.';
      onHits({ lines: [], count: 0, scanned: 0, size, state: 'invalid', message });
      return;
    }
    const wanted = query.case === true ? query.q : query.q.toLowerCase();
    const text = (line: LogLine): string => (query.case === true ? line.text : line.text.toLowerCase());
    const lines = this.lines
      .filter(line => text(line).includes(wanted) && isAtLeast(line, query.min_level))
      .map(line => line.number);
    const { from_line: from = 1, limit = 1000 } = query;
    const behind = lines.filter(line => line >= from).slice(0, from > 1 ? Math.ceil(limit / 2) : limit);
    const before = lines.filter(line => line < from);
    const near = before.slice(Math.max(0, before.length - (limit - behind.length)));
    const done = { count: lines.length, scanned: size, size, before: before.length } as const;
    onHits({ ...done, lines: behind, before: null, state: 'running' });
    await this.wait();
    signal.throwIfAborted();
    onHits({ ...done, lines: near, state: 'done' });
  }

  follow(onNews: (news: News) => void): () => void {
    this.followers.add(onNews);
    return () => void this.followers.delete(onNews);
  }

  onLink(act: () => void): () => void {
    this.linked.add(act);
    return () => void this.linked.delete(act);
  }

  downloadUrl(): string {
    return '/download';
  }

  lineUrl(attempt: string, _stream: string, line: number): string {
    return `/lab?attempt=${attempt}#L${line}`;
  }

  private async wait(): Promise<void> {
    await (this.gate ?? Promise.resolve());
    if (this.error !== null) {
      throw this.error;
    }
  }

  private pick(fitting: readonly LogLine[], { tail, line, time, n = 200, whole }: LogQuery): LogLine[] {
    if (tail !== undefined) {
      return fitting.slice(-tail);
    }
    const isFrom = (one: LogLine): boolean =>
      time === undefined ? one.number >= (line ?? 1) : (one.time ?? 0) >= time;
    const at = fitting.findIndex(isFrom);
    const from = at < 0 ? fitting.length : at;
    const found = n < 0 ? fitting.slice(Math.max(0, from + n), from) : fitting.slice(from, from + n);
    return found.map(one => (whole === true ? { ...one, text: `${one.text} and the rest`, cut: 0 } : one));
  }
}

function isAtLeast({ level }: LogLine, least: Level | undefined): boolean {
  return least === undefined || (level != null && LEVELS.indexOf(level) <= LEVELS.indexOf(least));
}
