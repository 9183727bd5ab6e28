/** What a request can fail with: one class, so that every part of the page explains failures alike. */

import type { Problem } from './records';

export class ApiError extends Error {
  /** The problem's stable word, or `unreachable` (no answer came), `missing` (no server part) or `http`. */
  readonly code: string;
  /** What to do about it, for people; may be empty. */
  readonly hint: string;
  /** For bad input: the field's path and what would be right. */
  readonly fields: Record<string, string>;
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;

  constructor(problem: Partial<Problem> & Pick<Problem, 'code' | 'status' | 'detail'>) {
    super(problem.detail);
    this.name = 'ApiError';
    this.code = problem.code;
    this.hint = problem.hint ?? '';
    this.fields = problem.fields ?? {};
    this.status = problem.status;
  }

  get detail(): string {
    return this.message;
  }

  /** No answer came, or only one of a proxy that found no server: the same request may succeed later. */
  get isUnreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 504;
  }

  /** Worth repeating soon. */
  get isTransient(): boolean {
    return this.isUnreachable || this.status === 503 || this.status === 429;
  }
}

/** Return `reason` as an ApiError, whatever was thrown. */
export function asApiError(reason: unknown): ApiError {
  if (reason instanceof ApiError) {
    return reason;
  }
  return new ApiError({
    code: 'page',
    status: -1,
    detail: reason instanceof Error ? reason.message : String(reason)
  });
}

/** Whether `reason` only says that the caller no longer wants the answer. */
export function isAbort(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'AbortError';
}

/** Read an error answer; one that is not a problem document came from Jupyter or a proxy, not from the platform. */
export async function errorOf(response: Response): Promise<ApiError> {
  if (response.headers.get('Content-Type')?.startsWith('application/problem+json') === true) {
    return new ApiError((await response.json()) as Problem);
  }
  const code = response.status === 404 ? 'missing' : 'http';
  return new ApiError({
    code,
    status: response.status,
    detail: `${response.status} ${response.statusText}`.trim()
  });
}
