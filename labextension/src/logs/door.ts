/**
 * How a panel in a notebook, which is a bundle of its own, gets a source of the page that it is in: it asks the document,
 * and Lab's part answers at once. Nobody answers outside of Lab.
 */

import type { Source } from './source';

interface Request {
  readonly task: string;
  /** What the panel knows of its kernel's server. */
  readonly server: ServerFacts;
  readonly accept: (source: Promise<Source | null>) => void;
}

/** Tell servers apart: a kernel may log to another one than the page is of. */
export interface ServerFacts {
  readonly machine: string;
  readonly data_dir: string;
}

const EVENT = 'aiplat:log-source';

/** The page's own source of a task's log; null if there is none, or it is another server's. */
export async function askPage(task: string, server: ServerFacts): Promise<Source | null> {
  const answers: Promise<Source | null>[] = [];
  const detail: Request = { task, server, accept: source => void answers.push(source) };
  document.dispatchEvent(new CustomEvent(EVENT, { detail }));
  return answers.length > 0 ? answers[0] : null;
}

/** Answer panels with what `make` gives, until the answer is called. */
export function answerPanels(
  make: (task: string, server: ServerFacts) => Promise<Source | null>
): () => void {
  const listen = (event: Event): void => {
    const { task, server, accept } = (event as CustomEvent<Request>).detail;
    accept(make(task, server));
  };
  document.addEventListener(EVENT, listen);
  return () => document.removeEventListener(EVENT, listen);
}
