/**
 * The tabs of this server in the same browser, which gives one host six HTTP/1.1 connections for all of them together:
 * were each to hold one for its stream, six tabs would leave none to ask anything.
 */

/** Streams that tabs hold at once. */
export const MOST_STREAMS = 3;
/** Milliseconds in which the others answer. */
const ANSWERS_WITHIN = 60;

const NAME = 'aiplat-streams';

type Word = 'who' | 'me';

export class Neighbours {
  private holds = false;
  private counted = 0;

  /** Without a `channel` between them tabs know nothing of each other. */
  constructor(
    private readonly channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(NAME)
  ) {
    this.channel?.addEventListener('message', this.onWord);
  }

  /** Take one of the places for a stream, or keep it; answers whether there is one. */
  async take(): Promise<boolean> {
    if (this.channel !== null && !this.holds) {
      this.counted = 0;
      this.channel.postMessage('who' satisfies Word);
      await new Promise(resolve => setTimeout(resolve, ANSWERS_WITHIN));
      this.holds = this.counted < MOST_STREAMS;
    }
    return this.channel === null || this.holds;
  }

  /** Leave the place to others. */
  release(): void {
    this.holds = false;
  }

  dispose(): void {
    this.release();
    this.channel?.close();
  }

  private readonly onWord = ({ data }: MessageEvent<Word>): void => {
    if (data === 'me') {
      this.counted += 1;
    } else if (this.holds) {
      this.channel?.postMessage('me' satisfies Word);
    }
  };
}
