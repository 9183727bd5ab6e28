/**
 * Where a log comes from. The view knows nothing else of the world: in Lab's pages a source asks the server, in a notebook
 * without Lab it asks the kernel. The records mirror `aiplat_jupyter/core/logs.py`.
 */

export type Level = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';

export interface LogLine {
  readonly number: number;
  readonly offset: number;
  readonly text: string;
  readonly level?: Level | null;
  /** Seconds since 1970. */
  readonly time?: number | null;
  /** Earlier states that carriage returns drew over. */
  readonly folded?: number;
  /** Bytes that `text` leaves out. */
  readonly cut?: number;
  /** Number of the first line of its traceback. */
  readonly group?: number | null;
  /** In the log of all ranks: the file that it is of, and its rank. */
  readonly stream?: string;
  readonly rank?: number | null;
}

export interface LogStream {
  readonly name: string;
  readonly lines: number;
  readonly size: number;
}

export type LevelCounts = { readonly [level in Level]?: number };

export interface LogPage {
  readonly attempt: string;
  readonly stream: string;
  readonly generation: number;
  readonly lines: readonly LogLine[];
  readonly total: number;
  readonly matching: number;
  readonly size: number;
  readonly indexed: number;
  readonly levels: LevelCounts;
  readonly is_complete: boolean;
  readonly is_removed: boolean;
  readonly streams?: readonly LogStream[];
}

export interface LogQuery {
  readonly attempt?: string;
  readonly stream?: string;
  readonly tail?: number;
  readonly line?: number;
  readonly time?: number;
  readonly n?: number;
  readonly min_level?: Level;
  readonly whole?: boolean;
}

export interface LogSearch {
  readonly q: string;
  readonly attempt?: string;
  readonly stream?: string;
  readonly regex?: boolean;
  readonly case?: boolean;
  readonly min_level?: Level;
  /** Hits from this line on come first, and those nearest to it are told. */
  readonly from_line?: number;
  readonly limit?: number;
}

export interface LogHits {
  readonly lines: readonly number[];
  readonly count: number;
  readonly scanned: number;
  readonly size: number;
  readonly state: 'running' | 'done' | 'partial' | 'invalid';
  readonly message?: string;
  /** How many there are before `from_line`, once that is known. */
  readonly before?: number | null;
}

export interface LogDownload {
  readonly attempt?: string;
  readonly stream?: string;
  readonly min_level?: Level;
}

/** Whose log it is. */
export interface LogOwner {
  readonly task: string;
  readonly name: string;
  /** More output may come. */
  readonly isLive: boolean;
  /** The experiment whose curves share the log's time. */
  readonly experiment: string | null;
  /** From the first to the newest. */
  readonly attempts: readonly { readonly uid: string; readonly number: number }[];
}

export type Link = 'connected' | 'lost';

/** `grew`: the log has; `changed`: anything may have, also whose log it is. */
export type News = 'grew' | 'changed';

export interface Source {
  owner(signal: AbortSignal): Promise<LogOwner>;
  page(query: LogQuery, signal: AbortSignal): Promise<LogPage>;
  /** Tell parts of the answer as they come; settled at its end. */
  search(query: LogSearch, onHits: (hits: LogHits) => void, signal: AbortSignal): Promise<void>;
  /** Call `onNews` until the answer is called. */
  follow(onNews: (news: News) => void): () => void;
  /** How news are heard, and since when (seconds since 1970). */
  readonly link: { readonly state: Link; readonly since: number };
  onLink(act: () => void): () => void;
  /** The address from which the browser saves a log; null if only the server's files have it. */
  downloadUrl(query: LogDownload): string | null;
  /** An address that opens the page at a line; null without pages. */
  lineUrl(attempt: string, stream: string, line: number): string | null;
  /** What the reader should know of this way of asking; empty: nothing. */
  readonly caveat?: string;
}

/** The stream that is the console. */
export const CONSOLE = 'out';
/** The stream that has the lines of all ranks. */
export const RANKS = '*';

/** From most to least. */
export const LEVELS: readonly Level[] = ['CRITICAL', 'ERROR', 'WARNING', 'INFO', 'DEBUG'];

/** How many lines have this level or a higher one. */
export function atLeast(level: Level, levels: LevelCounts): number {
  return LEVELS.slice(0, LEVELS.indexOf(level) + 1).reduce((sum, one) => sum + (levels[one] ?? 0), 0);
}
