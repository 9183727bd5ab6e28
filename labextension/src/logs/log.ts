/** One log that somebody reads: what is known of it, where the reader is, and what is searched in it. */

import { Landmarks } from './landmarks';
import { LogModel, NO_CHOICE, type Choice } from './model';
import { Reading } from './reading';
import { Searching } from './searching';
import { CONSOLE, type Source } from './source';

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
    this.model = new LogModel(source, line === undefined ? choice : withLine(choice));
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

  /** Go to the next hit, or the one before, as seen from where the reader is. */
  step(way: 1 | -1): void {
    const { searching, reading } = this;
    const { here } = reading;
    const from = here === null ? reading.first - (way === 1 ? 0 : 1) : here + way;
    searching.step(way, from, hit => reading.jump(hit));
  }
}

/** The number of a line is one of the console, if no file is named. */
function withLine(choice = NO_CHOICE): Choice {
  return { ...choice, stream: choice.stream || CONSOLE };
}
