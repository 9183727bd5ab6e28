import { describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../errors';
import { CommSource, type Model } from '../comm';
import { answerPanels, askPage } from '../door';
import type { Source } from '../source';
import type { Trans } from '../words';

const trans: Trans = { __: text => text };
const never = new AbortController().signal;

/** A kernel at the other end of a comm. */
class Kernel implements Model {
  readonly sent: { kind: string; id: number; what?: string }[] = [];
  private readonly listeners = new Map<string, Set<(value: unknown) => void>>();

  get(): unknown {
    return undefined;
  }

  send(content: unknown): void {
    this.sent.push(content as Kernel['sent'][number]);
  }

  on(event: string, act: (value: unknown) => void): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(act));
  }

  off(event: string, act: (value: unknown) => void): void {
    this.listeners.get(event)?.delete(act);
  }

  emit(event: string, value?: unknown): void {
    this.listeners.get(event)?.forEach(act => act(value));
  }
}

describe('a log through the kernel', () => {
  it('gives each question its answer, in whatever order they come', async () => {
    const kernel = new Kernel();
    const source = new CommSource(kernel, trans);
    const [one, other] = [source.page({ tail: 1 }, never), source.page({ tail: 2 }, never)];
    const [first, second] = kernel.sent;
    kernel.emit('msg:custom', { id: second.id, part: 'b', isLast: true });
    kernel.emit('msg:custom', { id: first.id, part: 'a', isLast: true });
    expect([await one, await other]).toEqual(['a', 'b']);
  });

  it('tells the parts of a search, and cancels it', async () => {
    const kernel = new Kernel();
    const source = new CommSource(kernel, trans);
    const parts: unknown[] = [];
    const controller = new AbortController();
    const done = source.search({ q: 'x' }, part => parts.push(part), controller.signal);
    const [{ id }] = kernel.sent;
    kernel.emit('msg:custom', { id, part: 1, isLast: false });
    controller.abort();
    await expect(done).rejects.toThrow();
    kernel.emit('msg:custom', { id, part: 2, isLast: true });
    expect(parts).toEqual([1]);
    expect(kernel.sent.at(-1)).toEqual({ kind: 'cancel', id });
  });

  it('fails as the server says', async () => {
    const kernel = new Kernel();
    const asked = new CommSource(kernel, trans).owner(never);
    kernel.emit('msg:custom', { id: 1, problem: { code: 'not_found', status: 404, detail: 'Gone.' } });
    await expect(asked).rejects.toBeInstanceOf(ApiError);
  });

  it('says when the kernel is busy, and when it answers again', async () => {
    vi.useFakeTimers();
    const kernel = new Kernel();
    const source = new CommSource(kernel, trans);
    const heard = vi.fn();
    source.onLink(heard);
    const asked = source.page({ tail: 1 }, never);
    vi.advanceTimersByTime(2500);
    expect(source.link.state).toBe('lost');
    expect(source.caveat).toContain('busy');
    kernel.emit('msg:custom', { id: 1, part: 'a', isLast: true });
    await asked;
    expect(source.link.state).toBe('connected');
    expect(heard).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });

  it('passes on what the kernel hears', () => {
    const kernel = new Kernel();
    const news: string[] = [];
    const stop = new CommSource(kernel, trans).follow(one => news.push(one));
    kernel.emit('change:grown');
    kernel.emit('change:changed');
    stop();
    kernel.emit('change:grown');
    expect(news).toEqual(['grew', 'changed']);
  });
});

describe('a panel in a page of Lab', () => {
  const server = { machine: 'box', data_dir: '/data' };

  it('gets its source from the page, if there is one', async () => {
    expect(await askPage('t1', server)).toBeNull();
    const own = {} as Source;
    const stop = answerPanels((task, { machine }) =>
      Promise.resolve(machine === 'box' && task === 't1' ? own : null)
    );
    expect(await askPage('t1', server)).toBe(own);
    expect(await askPage('t1', { ...server, machine: 'elsewhere' })).toBeNull();
    stop();
    expect(await askPage('t1', server)).toBeNull();
  });
});
