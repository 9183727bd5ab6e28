/** Which row has the focus and which are selected. */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { isThing } from './rows';
import type { Row, Thing } from './rows';

export class Selection {
  private readonly _changed = new Signal<this, void>(this);
  private keys = new Set<string>();
  private anchor: string | null = null;
  private _active: string | null = null;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Key of the row that takes the keyboard's input. */
  get active(): string | null {
    return this._active;
  }

  has(key: string): boolean {
    return this.keys.has(key);
  }

  /** The selected rows among `rows`; all are of one kind. */
  of(rows: readonly Row[]): Thing[] {
    return rows.filter(isThing).filter(row => this.keys.has(row.key));
  }

  /** Give the focus to this row, and leave the selection as it is. */
  focus(row: Row): void {
    this.anchor = this._active = row.key;
    this._changed.emit();
  }

  /** Select only this row. */
  set(row: Row): void {
    this.anchor = this._active = row.key;
    this.keys = new Set(isThing(row) ? [row.key] : []);
    this._changed.emit();
  }

  /** Add this row, or take it away; a row of another kind starts anew. */
  toggle(row: Row, rows: readonly Row[]): void {
    const kind = this.of(rows)[0]?.kind ?? row.kind;
    if (!isThing(row) || kind !== row.kind) {
      this.set(row);
      return;
    }
    this.anchor = this._active = row.key;
    if (!this.keys.delete(row.key)) {
      this.keys.add(row.key);
    }
    this._changed.emit();
  }

  /** Select the rows of the same kind from the one last chosen alone up to this one. */
  extend(row: Row, rows: readonly Row[]): void {
    const [from = -1, to = -1] = [this.anchor, row.key].map(key =>
      rows.findIndex(other => other.key === key)
    );
    const kind = rows[from]?.kind;
    if (from < 0 || to < 0) {
      this.set(row);
      return;
    }
    const range = rows.slice(Math.min(from, to), Math.max(from, to) + 1);
    this.keys = new Set(range.filter(other => isThing(other) && other.kind === kind).map(other => other.key));
    this._active = row.key;
    this._changed.emit();
  }

  clear(): void {
    this.keys = new Set();
    this._changed.emit();
  }
}
