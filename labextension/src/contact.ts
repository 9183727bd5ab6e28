/** First contact: is there a server part, does it work, and does it speak this page's language? */

import { API_VERSION } from './api';
import type { Api } from './api';
import { pause } from './clock';
import { asApiError } from './errors';
import type { ApiError } from './errors';
import type { ServerInfo } from './records';

export type Contact =
  | { kind: 'checking' }
  | { kind: 'made'; info: ServerInfo; isOtherVersion: boolean }
  /** Jupyter knows no such address: the server extension is not installed or switched off. */
  | { kind: 'missing' }
  | { kind: 'failed'; error: ApiError };

const RETRIES = [2000, 4000, 8000, 15_000, 30_000];

async function attempt(api: Api, signal: AbortSignal): Promise<Contact> {
  try {
    const info = await api.server(signal);
    return { kind: 'made', info, isOtherVersion: info.api !== API_VERSION };
  } catch (reason) {
    signal.throwIfAborted();
    const error = asApiError(reason);
    return error.code === 'missing' ? { kind: 'missing' } : { kind: 'failed', error };
  }
}

/** Yield how contact stands, trying again until it is made or `signal` aborts. */
export async function* makeContact(api: Api, signal: AbortSignal): AsyncGenerator<Contact, void, undefined> {
  for (let failures = 0; ; failures++) {
    const contact = await attempt(api, signal);
    yield contact;
    if (contact.kind === 'made') {
      return;
    }
    await pause(RETRIES[Math.min(failures, RETRIES.length - 1)] ?? 0, signal);
  }
}
