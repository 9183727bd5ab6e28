/** One log that somebody reads: what is known of it, where the reader is, and what is searched in it. */

import { Landmarks } from './landmarks';
import { LogModel, type Choice } from './model';
import { Reading } from './reading';
import { Searching } from './searching';
import type { Source } from './source';

export class Log {
  readonly model: LogModel;
  readonly reading: Reading;
  readonly searching: Searching;
  readonly landmarks: Landmarks;

  constructor(
    readonly source: Source,
    choice?: Choice,
    line?: number
  ) {
    this.model = new LogModel(source, choice);
    this.reading = new Reading(this.model);
    this.searching = new Searching(this.model);
    this.landmarks = new Landmarks(this.model);
    if (line !== undefined) {
      this.reading.jump(line);
    }
  }

  dispose(): void {
    this.searching.cancel();
    this.landmarks.dispose();
    this.reading.dispose();
    this.model.dispose();
  }

  /** Show another attempt, file or level; a search goes on in it. */
  choose(choice: Partial<Choice>): void {
    this.model.choose(choice);
    this.reading.recount();
    if (choice.attempt !== undefined || choice.stream !== undefined) {
      this.reading.toEnd();
    }
    if (this.searching.wanted.q !== '') {
      void this.searching.start(this.searching.wanted, this.reading.first, () => undefined);
    }
  }

  /**
   * Go to the next hit, or the one before. When the log has grown and the hits are through, it is searched again
   * for further ones, before it goes on at the start.
   */
  step(way: 1 | -1): void {
    const { searching, reading } = this;
    const isLast = way === 1 && searching.current === searching.hits.length - 1;
    if (isLast && searching.isOld) {
      const from = (reading.mark ?? reading.first) + 1;
      void searching.start(searching.wanted, from, hit =>
        reading.jump(hit >= from ? hit : (searching.step(1, from) ?? hit))
      );
      return;
    }
    const hit = searching.step(way, reading.mark ?? reading.first);
    if (hit !== null) {
      reading.jump(hit);
    }
  }
}
