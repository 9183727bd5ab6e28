/** A log as the server has it, for pages that Lab shows. News come by the page's one stream of changes. */

import { PageConfig, URLExt } from '@jupyterlab/coreutils';

import type { Api } from '../api';
import type { Events } from '../events';
import { isLiveTask } from '../taskStatus';
import type {
  Link,
  LogDownload,
  LogHits,
  LogOwner,
  LogPage,
  LogQuery,
  LogSearch,
  News,
  Source
} from './source';

/** The parameters of Lab's address that open a log; the line is its fragment, `#L123`. */
export const LINK = { task: 'aiplat-log', attempt: 'aiplat-attempt', stream: 'aiplat-stream' } as const;

export class RestSource implements Source {
  constructor(
    private readonly api: Api,
    private readonly events: Events,
    readonly task: string
  ) {}

  async owner(signal: AbortSignal): Promise<LogOwner> {
    const task = await this.api.task(this.task, signal);
    return {
      task: task.uid,
      name: task.name,
      isLive: isLiveTask(task.state),
      experiment: task.experiment,
      attempts: task.lineage.map(({ uid, number }) => ({ uid, number }))
    };
  }

  page(query: LogQuery, signal: AbortSignal): Promise<LogPage> {
    return this.api.logPage(this.task, told(query), signal);
  }

  async search(query: LogSearch, onHits: (hits: LogHits) => void, signal: AbortSignal): Promise<void> {
    const response = await this.api.searchLog(this.task, told(query), signal);
    if (response.body !== null) {
      for await (const line of linesOf(response.body)) {
        onHits(JSON.parse(line) as LogHits);
      }
    }
  }

  follow(onNews: (news: News) => void): () => void {
    const topics = [`log:${this.task}`, `task:${this.task}`];
    const following = this.events.follow(topics, news => {
      onNews(news !== 'resync' && news.topic.startsWith('log:') ? 'grew' : 'changed');
    });
    return () => following.dispose();
  }

  get link(): { state: Link; since: number } {
    const { link, since } = this.events;
    return { state: link === 'stale' || link === 'unreachable' ? 'lost' : 'connected', since };
  }

  onLink(act: () => void): () => void {
    this.events.linkChanged.connect(act);
    return () => void this.events.linkChanged.disconnect(act);
  }

  downloadUrl(query: LogDownload): string {
    return this.api.logDownloadUrl(this.task, told(query));
  }

  lineUrl(attempt: string, stream: string, line: number): string {
    const query = { [LINK.task]: this.task, [LINK.attempt]: attempt, [LINK.stream]: stream };
    const base = URLExt.join(PageConfig.getBaseUrl(), PageConfig.getOption('appUrl') || 'lab');
    return `${base}${URLExt.objectToQueryString(query)}#L${line}`;
  }
}

/** Without what is empty: the server takes what is missing as the newest, or the usual. */
function told<T extends object>(query: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(query).filter(([, value]) => value !== '' && value !== undefined)
  ) as Partial<T>;
}

/** The lines of an answer as they come; each ends with a newline. */
async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
