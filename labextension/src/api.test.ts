import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Api } from './api';
import { ApiError } from './errors';
import { experiment } from './testing/records';
import { FakeServer, problem } from './testing/server';

let server: FakeServer;
let api: Api;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  api = new Api(server.settings);
});

afterEach(() => {
  vi.useRealTimers();
});

/** Let all waits pass. */
async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.all([Promise.allSettled([promise]), vi.runAllTimersAsync()]);
  return result[0];
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const result = await settled(promise);
  const reason: unknown = result.status === 'rejected' ? result.reason : null;
  expect(reason).toBeInstanceOf(ApiError);
  return reason as ApiError;
}

describe('what is sent', () => {
  it('repeats lists, leaves out what is not set, and adds nothing of its own', async () => {
    server.on('GET experiments', { items: [] });
    await api.experiments({ status: ['running', 'pending'], q: 'a b', cursor: undefined });
    expect(server.asked[0]?.path).toBe('experiments?status=running&status=pending&q=a+b');
  });

  it('encodes what it puts into a path', async () => {
    server.on('GET experiments/a%2F..%2Fb', experiment('a'));
    await api.experiment('a/../b');
    expect(server.asked).toHaveLength(1);
  });

  it('sends a write again under the same key', async () => {
    let times = 0;
    server.on('POST experiments/one/trash', () => (++times < 3 ? problem(503) : experiment('one')));
    const result = await settled(api.applyToExperiment('one', 'trash'));
    expect(result.status).toBe('fulfilled');
    const keys = server.asked.map(asked => asked.headers.get('Idempotency-Key'));
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('what can fail', () => {
  it('tells the problem that the server part names', async () => {
    const fields = { name: 'at most 500 characters' };
    server.on('PATCH experiments/one', () =>
      problem(400, { code: 'invalid_input', detail: 'The name is too long.', hint: 'Shorten it.', fields })
    );
    const error = await failure(api.updateExperiment('one', { name: 'x' }));
    expect(error).toMatchObject({ code: 'invalid_input', status: 400, hint: 'Shorten it.', fields });
    expect(error.detail).toBe('The name is too long.');
    expect(server.asked).toHaveLength(1);
  });

  it('knows a missing server part from a missing thing', async () => {
    expect((await failure(api.server())).code).toBe('missing');
    server.on('GET experiments/gone', () => problem(404, { code: 'not_found' }));
    expect((await failure(api.experiment('gone'))).code).toBe('not_found');
  });

  it('calls a server that does not answer unreachable, after several attempts', async () => {
    server.isDown = true;
    const error = await failure(api.experiment('one'));
    expect(error.code).toBe('unreachable');
    expect(error.isUnreachable).toBe(true);
    expect(server.asked).toHaveLength(4);
  });

  it('gets through when the server comes back in between', async () => {
    server.isDown = true;
    const asking = api.experiment('one');
    await vi.advanceTimersByTimeAsync(100);
    server.isDown = false;
    server.on('GET experiments/one', experiment('one'));
    expect(await settled(asking)).toEqual({ status: 'fulfilled', value: experiment('one') });
  });

  it('shows the failure of the first contact at once', async () => {
    server.on('GET server', () => problem(503, { hint: 'Free some space.' }));
    expect((await failure(api.server())).hint).toBe('Free some space.');
    expect(server.asked).toHaveLength(1);
  });

  it('stops asking when the caller loses interest', async () => {
    server.on('GET experiments/one', () => problem(503));
    const caller = new AbortController();
    const asking = api.experiment('one', caller.signal);
    const outcome = expect(asking).rejects.toMatchObject({ name: 'AbortError' });
    await vi.advanceTimersByTimeAsync(100);
    caller.abort();
    await outcome;
    await vi.runAllTimersAsync();
    expect(server.asked).toHaveLength(1);
  });
});
