/** The sidebar without its looks: its model, what is selected in it, and what its rows do. */

import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import * as actions from '../actions';
import { openTarget } from '../alerts/deeds';
import { CommandIDs } from '../commands';
import type { Services } from '../services';
import { isLive } from '../status';
import type { Target } from '../target';
import { SidebarModel } from './model';
import { rowsOf, uidOf } from './rows';
import type { Row, Thing } from './rows';
import { Selection } from './selection';

export class Sidebar implements IDisposable {
  readonly model: SidebarModel;
  readonly selection = new Selection();
  private readonly _renamingChanged = new Signal<this, void>(this);
  private _renaming: string | null = null;
  private made: readonly Row[] | null = null;

  constructor(readonly services: Services) {
    this.model = new SidebarModel(services);
    this.model.changed.connect(() => (this.made = null));
  }

  /** Key of the row whose name is being edited. */
  get renaming(): string | null {
    return this._renaming;
  }

  get renamingChanged(): ISignal<this, void> {
    return this._renamingChanged;
  }

  get isDisposed(): boolean {
    return this.model.isDisposed;
  }

  /** The same array until the model changes. */
  rows(): readonly Row[] {
    this.made ??= rowsOf(this.model);
    return this.made;
  }

  /** What commands act on; null when nothing is selected. */
  target(): Target | null {
    const things = this.selection.of(this.rows());
    const [first] = things;
    if (first === undefined) {
      return null;
    }
    const { name } = first.kind === 'project' ? first.project : first.experiment;
    const lifecycle = first.kind === 'project' ? first.project.status : first.experiment.lifecycle;
    const live = new Set(things.filter(isLiveThing).map(uidOf));
    return { kind: first.kind, uids: [...new Set(things.map(uidOf))], name, lifecycle, live: [...live] };
  }

  /** Do what Enter or a click does. */
  async open(row: Row, preview: boolean): Promise<void> {
    if (row.kind === 'experiment') {
      await this.services.commands.execute(CommandIDs.openExperiment, { uid: row.experiment.uid, preview });
    } else if (row.kind === 'task') {
      await this.services.commands.execute(CommandIDs.openTask, { uid: row.task.uid });
    } else if (row.kind === 'alert') {
      openTarget(this.services, row.alert);
    } else if (row.kind === 'allAlerts') {
      await this.services.commands.execute(CommandIDs.openAlerts);
    } else if (row.kind === 'allTasks') {
      await this.services.commands.execute(CommandIDs.openTasks);
    } else if (row.kind === 'more') {
      await row.list.more();
    } else if (row.kind === 'failure') {
      await row.list.load();
    } else {
      this.toggle(row);
    }
  }

  toggle(row: Row): void {
    if (row.kind === 'section') {
      this.model.setExpanded(row.name, !row.isExpanded);
    } else if (row.kind === 'project' && row.isExpanded !== null) {
      this.model.setExpanded(row.project.uid, !row.isExpanded);
    }
  }

  startRenaming(): void {
    const [row] = this.selection.of(this.rows());
    this.setRenaming(row?.key ?? null);
  }

  /** Give the row that is being renamed this name; null leaves it as it is. */
  async finishRenaming(name: string | null): Promise<void> {
    const row = this.rows().find(other => other.key === this._renaming);
    this.setRenaming(null);
    if (name === null || row === undefined || (row.kind !== 'project' && row.kind !== 'experiment')) {
      return;
    }
    if (name !== '' && name !== (row.kind === 'project' ? row.project.name : row.experiment.name)) {
      if (await actions.rename(this.services, { kind: row.kind, uids: [uidOf(row)] }, name)) {
        await this.model.refresh();
      }
    }
  }

  dispose(): void {
    this.model.dispose();
    Signal.clearData(this);
    Signal.clearData(this.selection);
  }

  private setRenaming(key: string | null): void {
    this._renaming = key;
    this._renamingChanged.emit();
  }
}

function isLiveThing(thing: Thing): boolean {
  return thing.kind === 'experiment' && isLive(thing.experiment.status) && !thing.experiment.stop_requested;
}
