/** Which tab tells of an alert: what one has claimed, no other one tells, now or after a reload. */

import { UUID } from '@lumino/coreutils';

import { pause } from '../clock';

const PREFIX = 'aiplat-alert:';
const KEPT_MS = 7 * 86_400_000;
/** Tabs that heard of it at once take each other's claims into account after so long. */
const SETTLED_MS = 80;
/** A tab that nobody looks at lets the others go first. */
const HIDDEN_MS = 600;

export class Claims {
  private readonly own = UUID.uuid4();

  constructor(private readonly storage: Storage) {
    this.forgetOld();
  }

  /** Claim `key`; answer whether this tab is the one to tell. */
  async claim(key: string, signal?: AbortSignal): Promise<boolean> {
    if (document.visibilityState === 'hidden') {
      await pause(HIDDEN_MS, signal);
    }
    if (this.holder(key) !== null) {
      return false;
    }
    this.write(key);
    await pause(SETTLED_MS, signal);
    return this.holder(key) === this.own;
  }

  /** Note that `key` needs no telling. */
  settle(key: string): void {
    if (this.holder(key) === null) {
      this.write(key);
    }
  }

  private holder(key: string): string | null {
    return this.storage.getItem(PREFIX + key)?.split(' ')[0] ?? null;
  }

  private write(key: string): void {
    try {
      this.storage.setItem(PREFIX + key, `${this.own} ${Date.now()}`);
    } catch (reason) {
      console.debug('aiplat: no room to note what was told.', reason);
    }
  }

  private forgetOld(): void {
    const keys = Array.from({ length: this.storage.length }, (_, at) => this.storage.key(at) ?? '');
    for (const key of keys.filter(key => key.startsWith(PREFIX))) {
      const at = Number(this.storage.getItem(key)?.split(' ')[1]);
      if (!(Date.now() - at < KEPT_MS)) {
        this.storage.removeItem(key);
      }
    }
  }
}
