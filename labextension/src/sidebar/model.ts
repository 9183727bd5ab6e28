/** What the sidebar knows: the lists of its sections, kept up to date by the stream of changes. */

import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { makeContact } from '../contact';
import type { Contact } from '../contact';
import { isAbort } from '../errors';
import type { Alert, Change, ExperimentQuery, ExperimentRow, Lifecycle, Project, TaskRow } from '../records';
import type { Services } from '../services';
import { LIVE, describe } from '../status';
import { TASK_LIVE } from '../taskStatus';
import { PagedList } from './pagedList';
import type { Phase } from './pagedList';
import { Sparklines } from './sparklines';

export type SectionName = 'alerts' | 'running' | 'tasks' | 'found' | 'projects' | 'archived' | 'trashed';
export type AnyList = PagedList<ExperimentRow> | PagedList<Project> | PagedList<TaskRow> | PagedList<Alert>;

export class SidebarModel implements IDisposable {
  readonly sparklines: Sparklines;
  readonly running = this.experiments({ status: [...LIVE] });
  /** Those that have not ended, in the order in which they start. */
  readonly tasks = this.taskList();
  /** Those that fire, or that nobody has acknowledged. */
  readonly alerts = this.alertList();
  readonly found = this.experiments({});
  readonly projects = this.projectList('active');
  /** What is put away, by where. */
  readonly away = {
    archived: {
      projects: this.projectList('archived'),
      experiments: this.experiments({ lifecycle: 'archived' })
    },
    trashed: {
      projects: this.projectList('trashed'),
      experiments: this.experiments({ lifecycle: 'trashed' })
    }
  };
  private readonly byProject = new Map<string, PagedList<ExperimentRow>>();
  private readonly expanded = new Set<string>(['running', 'tasks', 'found', 'projects']);
  private readonly lifetime = new AbortController();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _announced = new Signal<this, string>(this);
  private readonly _expandedChanged = new Signal<this, string[]>(this);
  private attempt = new AbortController();
  private following: IDisposable | null = null;
  private _contact: Contact = { kind: 'checking' };
  private _query = '';

  constructor(readonly services: Services) {
    this.sparklines = new Sparklines(services.api);
    services.events.linkChanged.connect(this.emit);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Changes of state, in words, for those who cannot see them. */
  get announced(): ISignal<this, string> {
    return this._announced;
  }

  /** The keys of the sections and the uids of the projects that are open, the last opened last. */
  get expandedChanged(): ISignal<this, string[]> {
    return this._expandedChanged;
  }

  get contact(): Contact {
    return this._contact;
  }

  get query(): string {
    return this._query;
  }

  get isDisposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  /** Nothing was ever logged here, as far as the active lists tell. */
  get isEmpty(): boolean {
    return this._query === '' && this.projects.phase === 'ready' && this.projects.items.length === 0;
  }

  /** Make contact, fetch, and follow; while contact fails, a further call tries again at once. */
  async start(): Promise<void> {
    this.attempt.abort();
    this.attempt = new AbortController();
    const signal = AbortSignal.any([this.attempt.signal, this.lifetime.signal]);
    try {
      for await (const contact of makeContact(this.services.api, signal)) {
        this._contact = contact;
        this.emit();
      }
    } catch (reason) {
      if (isAbort(reason)) {
        return;
      }
      throw reason;
    }
    this.following ??= this.services.events.follow(['projects', 'experiments', 'tasks', 'alerts'], news =>
      this.onNews(news)
    );
    await this.refresh();
  }

  /** Nobody looks: let go of the stream until the next `start`. */
  rest(): void {
    this.attempt.abort();
    this.following?.dispose();
    this.following = null;
  }

  /** Fetch all that is shown again. */
  async refresh(): Promise<void> {
    this.sparklines.markAll();
    await Promise.all(this.shown().map(list => list.load()));
  }

  search(query: string): void {
    if (query !== this._query) {
      this._query = query;
      this.shown().forEach(list => void list.restart());
      this.emit();
    }
  }

  isExpanded(key: string): boolean {
    return this.expanded.has(key);
  }

  setExpanded(key: string, isExpanded: boolean): void {
    if (isExpanded) {
      this.expanded.add(key);
      this.loadMissing('idle', 'failed');
    } else {
      this.expanded.delete(key);
    }
    this._expandedChanged.emit([...this.expanded]);
    this.emit();
  }

  /** Open these sections and projects, as they were left, and no others. */
  expandOnly(keys: readonly string[]): void {
    this.expanded.clear();
    keys.forEach(key => this.expanded.add(key));
    this.loadMissing('idle');
    this.emit();
  }

  experimentsOf(project: string): PagedList<ExperimentRow> {
    let list = this.byProject.get(project);
    if (list === undefined) {
      list = this.experiments({ project: [project] }, false);
      this.byProject.set(project, list);
    }
    return list;
  }

  dispose(): void {
    this.lifetime.abort();
    this.following?.dispose();
    this.services.events.linkChanged.disconnect(this.emit);
    this.sparklines.dispose();
    this.lists().forEach(list => list.dispose());
    Signal.clearData(this);
  }

  private experiments(filter: ExperimentQuery, isSearched = true): PagedList<ExperimentRow> {
    return new PagedList(
      (page, signal) => {
        const q = isSearched ? this._query : '';
        return this.services.api.experiments({ ...filter, ...page, q, sort: '-created' }, signal);
      },
      (list, before) => {
        this.announce(before, list.items);
        this.emit();
      }
    );
  }

  private projectList(status: Lifecycle): PagedList<Project> {
    return new PagedList(
      (page, signal) => this.services.api.projects({ ...page, status, q: this._query, sort: 'name' }, signal),
      () => {
        this.loadMissing('idle');
        this.emit();
      }
    );
  }

  private taskList(): PagedList<TaskRow> {
    return new PagedList(
      (page, signal) => {
        const query = { state: [...TASK_LIVE], sort: 'queue', q: this._query };
        return this.services.api.tasks({ ...query, ...page }, signal);
      },
      () => this.emit()
    );
  }

  private alertList(): PagedList<Alert> {
    return new PagedList(
      (page, signal) => this.services.api.alerts({ open: true, ...page }, signal),
      () => this.emit()
    );
  }

  /** Fetch what is open and not there. Before contact is made nothing is. */
  private loadMissing(...phases: Phase[]): void {
    if (this._contact.kind === 'made') {
      this.shown()
        .filter(list => phases.includes(list.phase))
        .forEach(list => void list.load());
    }
  }

  private lists(): AnyList[] {
    const { archived, trashed } = this.away;
    const away = [archived.projects, archived.experiments, trashed.projects, trashed.experiments];
    return [
      this.running,
      this.tasks,
      this.alerts,
      this.found,
      this.projects,
      ...away,
      ...this.byProject.values()
    ];
  }

  /** Lists that can be seen if one scrolls; the others are fetched when they are opened. */
  private shown(): AnyList[] {
    const away = (['archived', 'trashed'] as const)
      .filter(name => this.expanded.has(name))
      .flatMap(name => [this.away[name].projects, this.away[name].experiments]);
    const opened = this.projects.items
      .filter(project => this.expanded.has(project.uid))
      .map(project => this.experimentsOf(project.uid));
    return [
      this.running,
      this.tasks,
      this.alerts,
      this.projects,
      ...(this._query === '' ? [] : [this.found]),
      ...away,
      ...opened
    ];
  }

  private onNews(news: Change | 'resync'): void {
    if (news === 'resync') {
      this.sparklines.markAll();
      this.shown().forEach(list => list.outdate());
    } else if (news.topic === 'tasks') {
      this.tasks.outdate();
    } else if (news.topic === 'alerts') {
      this.alerts.outdate();
    } else if (news.kind === 'points') {
      this.onPoints(news.uid);
    } else {
      this.affected(news).forEach(list => list.outdate());
    }
  }

  /** A row that has a curve only needs a new one; the first points of a row decide which metric it shows. */
  private onPoints(uid: string): void {
    const lists = [this.running, this.found, ...this.byProject.values()].filter(list => list.has(uid));
    const row = lists[0]?.items.find(item => item.uid === uid);
    if (row?.headline != null) {
      this.sparklines.mark(uid);
    } else {
      lists.forEach(list => list.outdate());
    }
  }

  /** The lists in which a thing is, or may be from now on. */
  private affected(change: Change): AnyList[] {
    const others = [...this.byProject].filter(
      ([uid, list]) => uid !== change.project && !list.has(change.uid)
    );
    const spared = new Set<AnyList>(others.map(([, list]) => list));
    return this.shown().filter(list => list !== this.tasks && list !== this.alerts && !spared.has(list));
  }

  private announce(before: readonly ExperimentRow[], after: readonly ExperimentRow[]): void {
    const known = new Map(before.map(row => [row.uid, row.status]));
    for (const row of after) {
      const status = known.get(row.uid);
      if (status !== undefined && status !== row.status) {
        this._announced.emit(`${row.name}: ${describe(row, this.services.trans).word}`);
      }
    }
  }

  private readonly emit = (): void => {
    this._changed.emit();
  };
}
