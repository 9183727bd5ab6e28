import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Api } from './api';
import { Events } from './events';
import { MOST_STREAMS, Neighbours } from './neighbours';
import type { Link } from './events';
import type { Change } from './records';
import { change } from './testing/records';
import { FakeServer, FakeStream } from './testing/server';

let server: FakeServer;
let streams: FakeStream[];
let events: Events;
let heard: (Change | 'resync')[];
let links: Link[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  vi.spyOn(console, 'debug').mockImplementation(() => undefined);
  server = new FakeServer();
  streams = [];
  server.on('GET events', asked => {
    const stream = new FakeStream(asked.signal);
    streams.push(stream);
    stream.send('id: 7\n\n');
    return stream.response();
  });
  events = new Events(new Api(server.settings), {}, new Neighbours(null));
  heard = [];
  links = [];
  events.linkChanged.connect((_, link) => links.push(link));
});

afterEach(() => {
  events.dispose();
  setVisibility('visible');
  vi.useRealTimers();
});

const listener = (news: Change | 'resync'): void => void heard.push(news);
const wait = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);

function setVisibility(state: DocumentVisibilityState): void {
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
  document.dispatchEvent(new Event('visibilitychange'));
}

function event(news: Change): string {
  return `id: ${news.seq}\nevent: change\ndata: ${JSON.stringify(news)}\n\n`;
}

function asked(): URLSearchParams[] {
  return server.calls('GET events').map(call => new URLSearchParams(call.path.split('?')[1]));
}

describe('one connection', () => {
  it('is shared: topics that are asked for together open one stream', async () => {
    events.follow(['projects', 'experiments'], listener);
    events.follow(['experiment:one', 'experiments'], () => undefined);
    await wait(60);
    expect(asked().map(query => query.getAll('topics'))).toEqual([
      ['experiment:one', 'experiments', 'projects']
    ]);
    expect(links).toEqual(['connecting', 'connected']);
  });

  it('tells each listener the changes of its own topics, however the bytes are cut', async () => {
    events.follow(['experiments'], listener);
    events.follow(['experiment:one'], () => undefined);
    await wait(60);
    heard = [];
    const text =
      event(change(8)) + event(change(9, { topic: 'experiment:one' })) + ':\n\n' + event(change(10));
    for (const byte of text) {
      streams[0].send(byte);
    }
    await wait(1);
    expect(heard).toEqual([change(8), change(10)]);
  });

  it('asks everybody to ask again at the first opening, and when the server says so', async () => {
    events.follow(['experiments'], listener);
    await wait(60);
    expect(heard).toEqual(['resync']);
    streams[0].send('id: 99\nevent: resync\ndata: {"seq": 99}\n\n');
    await wait(1);
    expect(heard).toEqual(['resync', 'resync']);
  });

  it('opens again with new topics, behind what was heard', async () => {
    events.follow(['experiments'], listener);
    await wait(60);
    const second = events.follow(['experiment:one'], listener);
    await wait(60);
    expect(streams[0].isCancelled).toBe(true);
    expect(asked()[1]?.getAll('topics')).toEqual(['experiment:one', 'experiments']);
    expect(asked()[1]?.get('after')).toBe('7');
    second.dispose();
    await wait(60);
    expect(asked()[2]?.getAll('topics')).toEqual(['experiments']);
  });

  it('is let go when nobody listens', async () => {
    const following = events.follow(['experiments'], listener);
    await wait(60);
    following.dispose();
    await wait(60);
    expect(streams[0].isCancelled).toBe(true);
    expect(events.link).toBe('idle');
  });
});

describe('a connection that breaks', () => {
  it('is sought again, and goes on behind the last number', async () => {
    events.follow(['experiments'], listener);
    await wait(60);
    streams[0].send(event(change(12)));
    await wait(1);
    streams[0].close();
    await wait(1);
    expect(events.link).toBe('stale');
    heard = [];
    await wait(1000);
    expect(asked()[1]?.get('after')).toBe('12');
    expect(events.link).toBe('connected');
    expect(heard).toEqual([]);
  });

  it('is found broken when Lab cannot reach the server, though a proxy keeps the stream', async () => {
    events.follow(['experiments'], listener);
    await wait(60);
    server.isDown = true;
    events.check();
    await wait(1);
    expect(streams[0].isCancelled).toBe(true);
    expect(events.link).toBe('stale');
    server.isDown = false;
    await wait(1000);
    expect(events.link).toBe('connected');
    expect(asked().at(-1)?.get('after')).toBe('7');
  });

  it('is called unreachable after several attempts, which come ever more slowly', async () => {
    events.follow(['experiments'], listener);
    await wait(60);
    server.isDown = true;
    streams[0].close();
    await wait(1);
    await wait(1000);
    expect(events.link).toBe('stale');
    const { since } = events;
    await wait(2000);
    expect(events.link).toBe('unreachable');
    expect(events.since).toBe(since);
    const before = asked().length;
    await wait(3900);
    expect(asked()).toHaveLength(before);
    server.isDown = false;
    events.retryNow();
    await wait(1);
    expect(events.link).toBe('connected');
  });

  it('is noticed when nothing is heard any more, heartbeats included', async () => {
    events.follow(['experiments'], listener);
    await wait(60);
    await wait(20_000);
    streams[0].send(':\n\n');
    await wait(20_000);
    expect(events.link).toBe('connected');
    await wait(10_001);
    expect(events.link).toBe('stale');
    await wait(1000);
    expect(asked()[1]?.has('wait')).toBe(false);
  });
});

describe('a proxy that holds streams back', () => {
  it('is answered by long polls', async () => {
    let polls = 0;
    server.on('GET events', call => {
      if (!call.path.includes('wait=')) {
        return new Promise<Response>((_, reject) => {
          call.signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')));
        });
      }
      polls += 1;
      return polls === 1
        ? { items: [change(3)], next: 3, resync: false }
        : new Promise<Response>(() => undefined);
    });
    events.follow(['experiments'], listener);
    await wait(60);
    await wait(31_100);
    expect(heard).toEqual(['resync', change(3)]);
    expect(events.link).toBe('connected');
    expect(asked().at(-1)?.get('after')).toBe('3');
  });

  it('can be named in the settings', async () => {
    server.on('GET events', () => new Promise<Response>(() => undefined));
    events.setPolling(true);
    events.follow(['experiments'], listener);
    await wait(60);
    expect(asked()[0]?.get('wait')).toBe('20');
  });
});

describe('a hidden tab', () => {
  it('lets go after a while and resumes where it was', async () => {
    events.follow(['experiments'], listener);
    await wait(60);
    setVisibility('hidden');
    await wait(29_000);
    expect(streams[0].isCancelled).toBe(false);
    await wait(1100);
    expect(streams[0].isCancelled).toBe(true);
    expect(events.link).toBe('idle');
    setVisibility('visible');
    await wait(1);
    expect(asked()[1]?.get('after')).toBe('7');
  });

  it('keeps its connection when it is back soon', async () => {
    events.follow(['experiments'], listener);
    await wait(60);
    setVisibility('hidden');
    await wait(10_000);
    setVisibility('visible');
    await wait(15_000);
    expect(streams).toHaveLength(1);
  });
});

describe('many tabs', () => {
  /** Tabs of one browser; messages between them take a moment. */
  class Air extends EventTarget {
    static readonly all = new Set<Air>();

    constructor() {
      super();
      Air.all.add(this);
    }

    postMessage(data: unknown): void {
      const others = [...Air.all].filter(other => other !== this);
      setTimeout(
        () => others.forEach(other => other.dispatchEvent(new MessageEvent('message', { data }))),
        1
      );
    }

    close(): void {
      Air.all.delete(this);
    }
  }

  const logPage = (_: unknown, i: number): Events => {
    const tab = new Events(new Api(server.settings), {}, new Neighbours());
    tab.follow(['log:one'], news => i === MOST_STREAMS && heard.push(news));
    return tab;
  };

  beforeEach(() => vi.stubGlobal('BroadcastChannel', Air));
  afterEach(() => {
    Air.all.clear();
    vi.unstubAllGlobals();
  });

  it('leave connections free: further ones look now and then, until a stream is free', async () => {
    server.on('GET events', ({ path, signal }) => {
      if (new URLSearchParams(path.split('?')[1]).has('wait')) {
        return { items: [], next: 7, resync: false };
      }
      const stream = new FakeStream(signal);
      streams.push(stream);
      stream.send('id: 7\n\n');
      return stream.response();
    });
    const tabs: Events[] = [];
    for (let i = 0; i < 6; i++) {
      tabs.push(logPage(null, i));
      await wait(150);
    }
    await wait(1000);
    expect(streams).toHaveLength(MOST_STREAMS);
    expect(tabs.map(tab => tab.link)).toEqual(Array(6).fill('connected'));
    expect(heard.length, 'growth of a log that may have been missed').toBeGreaterThan(0);
    tabs[0].dispose();
    await wait(10_000);
    expect(streams).toHaveLength(MOST_STREAMS + 1);
    tabs.forEach(tab => tab.dispose());
  });
});
