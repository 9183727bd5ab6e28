/** Where in a log its errors are, for the scrollbar: exactly while they are few, else at sampled places. */

import type { LogModel } from './model';
import { Observable } from './observable';
import { atLeast, type LogPage } from './source';

const EXACT = 1000;
const SAMPLES = 60;
/** Milliseconds between two surveys of a log that grows. */
const PACE = 3000;

export class Landmarks extends Observable {
  errors: readonly number[] = [];
  private known = '';
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly unsubscribe: () => void;

  constructor(private readonly model: LogModel) {
    super();
    this.unsubscribe = model.subscribe(() => this.notice());
  }

  dispose(): void {
    this.unsubscribe();
    clearTimeout(this.timer);
  }

  private notice(): void {
    const { head } = this.model;
    const key =
      head === null
        ? ''
        : `${head.attempt} ${head.stream} ${head.generation} ${atLeast('ERROR', head.levels)}`;
    if (key === this.known || this.timer !== undefined) {
      return;
    }
    const isFirst = this.known === '' || key === '';
    this.known = key;
    this.timer = setTimeout(() => void this.survey(), isFirst ? 0 : PACE);
  }

  private async survey(): Promise<void> {
    const { head } = this.model;
    const count = head === null ? 0 : atLeast('ERROR', head.levels);
    this.errors =
      count === 0 ? [] : count <= EXACT ? await this.exact() : await this.sampled(head?.total ?? 0);
    this.timer = undefined;
    this.emit();
    this.notice();
  }

  private async exact(): Promise<number[]> {
    return numbers(await this.model.ask({ line: 1, n: EXACT, min_level: 'ERROR' }, false));
  }

  /** The first error behind each of some evenly spread lines. */
  private async sampled(total: number): Promise<number[]> {
    const found: number[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      const line = 1 + Math.floor((total * i) / SAMPLES);
      found.push(...numbers(await this.model.ask({ line, n: 1, min_level: 'ERROR' }, false)));
    }
    return [...new Set(found)];
  }
}

function numbers(page: LogPage | null): number[] {
  return page === null ? [] : page.lines.map(line => line.number);
}
