import { expect, it } from 'vitest';

import type { Page } from '../records';
import { PagedList } from './pagedList';

interface Row {
  uid: string;
  status: string;
}

/** A server whose answers come when the test says so; `status` is that of all rows it has. */
class Slow {
  status = 'running';
  private readonly waiting: (() => void)[] = [];

  readonly fetch = (page: { cursor?: string }): Promise<Page<Row>> => {
    const uid = page.cursor ?? 'first';
    const answer = { items: [{ uid, status: this.status }], total: 2 };
    return new Promise(resolve =>
      this.waiting.push(() => resolve({ ...answer, next_cursor: uid === 'first' ? 'second' : null }))
    );
  };

  async answer(): Promise<void> {
    this.waiting.splice(0).forEach(come => come());
    await new Promise(resolve => setTimeout(resolve));
  }

  get isAsked(): boolean {
    return this.waiting.length > 0;
  }
}

it.each(['before', 'after'])(
  'is fetched again when it was outdated %s the next page was asked for',
  async when => {
    const server = new Slow();
    const list = new PagedList<Row>(server.fetch, () => undefined);
    void list.load();
    await server.answer();
    const change = (): Promise<void> => {
      server.status = 'finished';
      return list.load();
    };
    const news = [change, () => list.more()];
    (when === 'before' ? news : news.reverse()).forEach(come => void come());
    while (server.isAsked) {
      await server.answer();
    }
    expect(list.items).toEqual([
      { uid: 'first', status: 'finished' },
      { uid: 'second', status: 'finished' }
    ]);
  }
);
