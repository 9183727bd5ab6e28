/** A server at the edge of HTTP, for tests: answers what it is told to, and remembers what it was asked. */

import { ServerConnection } from '@jupyterlab/services';

import type { Problem } from '../records';

export interface Asked {
  method: string;
  /** Below the API's base, with the query. */
  path: string;
  headers: Headers;
  body: unknown;
  signal: AbortSignal | undefined;
}

type Answering = (asked: Asked) => unknown;
/** A response, what to send as JSON, or a function that makes one of them. */
type Answer = object | Answering;

/** Like Request, but with jsdom's signals, which Node's own Request refuses. */
class SimpleRequest {
  readonly headers: Headers;

  constructor(
    readonly url: string,
    readonly init: RequestInit
  ) {
    this.headers = new Headers(init.headers);
  }
}

const ROOT = 'http://jupyter.test/user/ada/';

export class FakeServer {
  readonly asked: Asked[] = [];
  /** No connection is possible. */
  isDown = false;
  private readonly answers = new Map<string, Answer>();

  readonly settings = ServerConnection.makeSettings({
    baseUrl: ROOT,
    fetch: (request: unknown) => this.answer(request as SimpleRequest),
    Request: SimpleRequest as unknown as typeof Request
  });

  /** Answer `verb` (as `GET projects`, without a query) in this way from now on. */
  on(verb: string, answer: Answer): this {
    this.answers.set(verb, answer);
    return this;
  }

  /** What was asked with `verb`, in order. */
  calls(verb: string): Asked[] {
    return this.asked.filter(asked => `${asked.method} ${asked.path.split('?')[0] ?? ''}` === verb);
  }

  private async answer(request: SimpleRequest): Promise<Response> {
    const asked: Asked = {
      method: request.init.method ?? 'GET',
      path: request.url.replace(`${ROOT}aiplat/api/v1/`, ''),
      headers: request.headers,
      body: typeof request.init.body === 'string' ? JSON.parse(request.init.body) : undefined,
      signal: request.init.signal ?? undefined
    };
    this.asked.push(asked);
    await Promise.resolve();
    asked.signal?.throwIfAborted();
    if (this.isDown) {
      throw new TypeError('Failed to fetch');
    }
    const answer = this.answers.get(`${asked.method} ${asked.path.split('?')[0] ?? ''}`);
    const made: unknown = typeof answer === 'function' ? await (answer as Answering)(asked) : answer;
    return made instanceof Response ? made : made === undefined ? notFound() : Response.json(made);
  }
}

export function problem(status: number, more: Partial<Problem> = {}): Response {
  const body = { type: 'about:blank', title: '', status, code: 'unavailable', detail: 'No.', ...more };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/problem+json' }
  });
}

function notFound(): Response {
  return Response.json({ message: 'Not Found' }, { status: 404, statusText: 'Not Found' });
}

/** A stream of events that a test feeds by hand. */
export class FakeStream {
  isCancelled = false;
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  private readonly body: ReadableStream<Uint8Array>;

  constructor(signal: AbortSignal | undefined) {
    this.body = new ReadableStream({ start: controller => void (this.controller = controller) });
    signal?.addEventListener('abort', () => {
      this.isCancelled = true;
      this.controller?.error(new DOMException('Aborted', 'AbortError'));
    });
  }

  response(): Response {
    return new Response(this.body, { headers: { 'Content-Type': 'text/event-stream' } });
  }

  send(text: string): void {
    this.controller?.enqueue(new TextEncoder().encode(text));
  }

  close(): void {
    this.controller?.close();
  }
}
