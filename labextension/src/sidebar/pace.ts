/** Doing something soon, but not too often. */

/**
 * Gathers calls: `work` runs `delay` after the first of them, and not again until `interval` after it has ended, or four
 * times as long as it took if that is more.
 */
export class Pace {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isWanted = false;
  private isBusy = false;
  private isDisposed = false;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly delay: number,
    private readonly interval: number
  ) {}

  request(): void {
    this.isWanted = true;
    if (!this.isBusy && this.timer === undefined && !this.isDisposed) {
      this.timer = setTimeout(() => void this.run(), this.delay);
    }
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
  }

  private async run(): Promise<void> {
    this.timer = undefined;
    this.isBusy = true;
    this.isWanted = false;
    const begin = performance.now();
    try {
      await this.work();
    } finally {
      setTimeout(
        () => {
          this.isBusy = false;
          if (this.isWanted) {
            this.request();
          }
        },
        Math.max(this.interval, 4 * (performance.now() - begin))
      );
    }
  }
}
