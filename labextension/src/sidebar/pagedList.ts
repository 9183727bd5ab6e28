/** A list that is fetched page by page and refreshed in place. */

import { asApiError } from '../errors';
import type { ApiError } from '../errors';
import type { Page } from '../records';
import { Pace } from './pace';

export const PAGE = 50;
const MOST = 200;

export type Phase = 'idle' | 'loading' | 'ready' | 'failed';

type Fetch<T> = (
  page: { limit: number; cursor?: string; count: boolean },
  signal: AbortSignal
) => Promise<Page<T>>;

export class PagedList<T extends { uid: string }> {
  /** `loading` only before the first page: a refresh keeps what is there. */
  phase: Phase = 'idle';
  items: readonly T[] = [];
  total: number | null = null;
  error: ApiError | null = null;
  isLoadingMore = false;
  /** The reader has asked for more once: further pages come by themselves. */
  isUnrolled = false;
  private cursor: string | undefined;
  private current: AbortController | null = null;
  private isOutdated = false;
  private readonly pace = new Pace(() => this.load(), 100, 900);

  constructor(
    private readonly fetch: Fetch<T>,
    private readonly changed: (list: PagedList<T>, before: readonly T[]) => void
  ) {}

  get hasMore(): boolean {
    return this.cursor !== undefined;
  }

  has(uid: string): boolean {
    return this.items.some(item => item.uid === uid);
  }

  /** Fetch what is shown again, or the first page. While that is under way, a further call is kept for afterwards. */
  async load(): Promise<void> {
    if (this.current !== null) {
      this.isOutdated = true;
      return;
    }
    await this.fetchAll(this.items.length);
  }

  /** Something in it has changed: fetch it again soon. */
  outdate(): void {
    this.pace.request();
  }

  /** The question has changed: fetch the first page of its answer, and show the old one until then. */
  async restart(): Promise<void> {
    this.current?.abort();
    await this.fetchAll(0);
  }

  /** Fetch the next page, and after it again what was being refreshed, or should have been meanwhile. */
  async more(): Promise<void> {
    if (this.cursor === undefined || this.isLoadingMore) {
      return;
    }
    this.isLoadingMore = this.isUnrolled = true;
    this.isOutdated = this.current !== null;
    this.current?.abort();
    this.changed(this, this.items);
    const isDone = await this.attempt(async signal => {
      const page = await this.fetch({ limit: MOST, cursor: this.cursor, count: false }, signal);
      signal.throwIfAborted();
      const known = new Set(this.items.map(item => item.uid));
      this.items = [...this.items, ...page.items.filter(item => !known.has(item.uid))];
      this.cursor = page.next_cursor ?? undefined;
    });
    this.isLoadingMore = false;
    this.changed(this, this.items);
    if (isDone && this.isOutdated) {
      await this.load();
    }
  }

  /** Change one item in place. */
  patch(uid: string, change: (item: T) => T): void {
    const before = this.items;
    if (this.has(uid)) {
      this.items = before.map(item => (item.uid === uid ? change(item) : item));
      this.changed(this, before);
    }
  }

  /** Stop what is under way. */
  dispose(): void {
    this.pace.dispose();
    this.current?.abort();
  }

  private async fetchAll(length: number): Promise<void> {
    if (this.phase !== 'ready') {
      this.phase = 'loading';
      this.changed(this, this.items);
    }
    let isDone: boolean;
    do {
      this.isOutdated = false;
      isDone = await this.refresh(length);
    } while (isDone && this.isOutdated);
  }

  private async refresh(length: number): Promise<boolean> {
    const before = this.items;
    const isDone = await this.attempt(async signal => {
      const items: T[] = [];
      let cursor: string | undefined;
      do {
        const limit = Math.min(MOST, Math.max(PAGE, length - items.length));
        const page = await this.fetch({ limit, cursor, count: items.length === 0 }, signal);
        signal.throwIfAborted();
        this.total = page.total ?? this.total;
        items.push(...page.items);
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined && items.length < length);
      this.items = keepSame(before, items);
      this.cursor = cursor;
      this.phase = 'ready';
    });
    if (isDone) {
      this.changed(this, before);
    }
    return isDone;
  }

  /** Answer whether it came to an end, good or bad: false when another request took its place. */
  private async attempt(work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const mine = new AbortController();
    this.current = mine;
    try {
      await work(mine.signal);
      this.error = null;
    } catch (reason) {
      if (mine.signal.aborted) {
        return false;
      }
      this.error = asApiError(reason);
      this.phase = this.phase === 'ready' ? 'ready' : 'failed';
    }
    this.current = null;
    return true;
  }
}

/** Return `items` with those that did not change as the very objects of `before`, so that their rows need no drawing. */
function keepSame<T extends { uid: string }>(before: readonly T[], items: readonly T[]): readonly T[] {
  const known = new Map(before.map(item => [item.uid, item]));
  return items.map(item => {
    const old = known.get(item.uid);
    return old !== undefined && JSON.stringify(old) === JSON.stringify(item) ? old : item;
  });
}
