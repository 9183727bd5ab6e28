/** The sidebar's tree as a flat list of rows, as it is drawn and walked through. */

import type { ApiError } from '../errors';
import { worst } from '../alerts/severity';
import type { Alert, ExperimentRow, Project, Severity, TaskRow } from '../records';
import type { AnyList, SectionName, SidebarModel } from './model';
import type { PagedList } from './pagedList';

/** Which of how many in its list, for those who hear the tree; -1 where the number is not known. */
interface Place {
  at: number;
  of: number;
}

export type Row =
  | {
      kind: 'section';
      key: string;
      level: number;
      name: SectionName;
      isExpanded: boolean;
      total: number | null;
      /** Of alerts: how bad the worst of those that fire is. */
      worst?: Severity | null;
    }
  | ({
      kind: 'project';
      key: string;
      level: number;
      project: Project;
      isExpanded: boolean | null;
    } & Place)
  | ({
      kind: 'experiment';
      key: string;
      level: number;
      experiment: ExperimentRow;
      showsProject: boolean;
    } & Place)
  | ({ kind: 'task'; key: string; level: number; task: TaskRow } & Place)
  | ({ kind: 'alert'; key: string; level: number; alert: Alert } & Place)
  | { kind: 'allAlerts'; key: string; level: number }
  | { kind: 'allTasks'; key: string; level: number }
  | { kind: 'more'; key: string; level: number; list: AnyList; left: number | null; isLoading: boolean }
  | { kind: 'failure'; key: string; level: number; list: AnyList; error: ApiError }
  | { kind: 'nothing'; key: string; level: number; isSearch: boolean }
  | { kind: 'skeleton'; key: string; level: number };

export type Thing = Extract<Row, { kind: 'project' | 'experiment' }>;

/** Whether the row stands for something that commands can act on. */
export function isThing(row: Row | undefined): row is Thing {
  return row?.kind === 'project' || row?.kind === 'experiment';
}

export function uidOf(row: Thing): string {
  return row.kind === 'project' ? row.project.uid : row.experiment.uid;
}

export function rowsOf(model: SidebarModel): Row[] {
  const found =
    model.query === '' ? [] : section(model, 'found', [experimentsIn(model.found, 'found', 2, true)]);
  return [
    ...found,
    ...section(model, 'running', [experimentsIn(model.running, 'running', 2, true)]),
    ...tasksSection(model),
    ...alertsSection(model),
    ...section(model, 'projects', [projectsIn(model, model.projects, 'projects')]),
    ...awaySection(model, 'archived'),
    ...awaySection(model, 'trashed')
  ];
}

interface Part {
  list: AnyList;
  key: string;
  level: number;
  rows: Row[];
}

function section(model: SidebarModel, name: SectionName, parts: Part[]): Row[] {
  const isExpanded = model.isExpanded(name);
  const head: Row = { kind: 'section', key: name, level: 1, name, isExpanded, total: totalOf(parts) };
  return isExpanded ? [head, ...bodyOf(parts, model.query !== '')] : [head];
}

function tasksSection(model: SidebarModel): Row[] {
  const list = model.tasks;
  const rows = list.items.map((task, index): Row => ({
    kind: 'task',
    key: `tasks/${task.uid}`,
    level: 2,
    task,
    ...place(list, index)
  }));
  const all: Row = { kind: 'allTasks', key: 'tasks>', level: 2 };
  const shown = section(model, 'tasks', [{ list, key: 'tasks', level: 2, rows }]);
  return model.isExpanded('tasks') && list.phase === 'ready' ? [...shown, all] : shown;
}

function alertsSection(model: SidebarModel): Row[] {
  const list = model.alerts;
  const rows = list.items.map((alert, index): Row => ({
    kind: 'alert',
    key: `alerts/${alert.uid}`,
    level: 2,
    alert,
    ...place(list, index)
  }));
  const all: Row = { kind: 'allAlerts', key: 'alerts>', level: 2 };
  const firing = list.items.filter(alert => alert.state === 'firing');
  const shown = section(model, 'alerts', [{ list, key: 'alerts', level: 2, rows }]).map(row =>
    row.kind === 'section' ? { ...row, worst: worst(firing.map(alert => alert.severity)) } : row
  );
  return model.isExpanded('alerts') && list.phase === 'ready' ? [...shown, all] : shown;
}

function awaySection(model: SidebarModel, name: 'archived' | 'trashed'): Row[] {
  const { projects, experiments } = model.away[name];
  const rows = projects.items.map((project, index): Row => ({
    kind: 'project',
    key: `${name}/${project.uid}`,
    level: 2,
    project,
    isExpanded: null,
    ...place(projects, index)
  }));
  return section(model, name, [
    { list: projects, key: `${name}-projects`, level: 2, rows },
    experimentsIn(experiments, name, 2, true)
  ]);
}

function totalOf(parts: Part[]): number | null {
  const totals = parts.map(part => part.list.total);
  return totals.every(total => total !== null) ? totals.reduce((sum, total) => sum + total, 0) : null;
}

function experimentsIn(
  list: PagedList<ExperimentRow>,
  key: string,
  level: number,
  showsProject: boolean
): Part {
  const rows = list.items.map((experiment, index): Row => ({
    kind: 'experiment',
    key: `${key}/${experiment.uid}`,
    level,
    experiment,
    showsProject,
    ...place(list, index)
  }));
  return { list, key, level, rows };
}

function projectsIn(model: SidebarModel, list: PagedList<Project>, key: string): Part {
  const rows = list.items.flatMap((project, index): Row[] => {
    const isExpanded = model.isExpanded(project.uid);
    const head: Row = {
      kind: 'project',
      key: `${key}/${project.uid}`,
      level: 2,
      project,
      isExpanded,
      ...place(list, index)
    };
    const inside = model.experimentsOf(project.uid);
    return isExpanded ? [head, ...bodyOf([experimentsIn(inside, project.uid, 3, false)], false)] : [head];
  });
  return { list, key, level: 2, rows };
}

function place(list: AnyList, index: number): Place {
  return { at: index + 1, of: list.total ?? -1 };
}

/** The parts' rows, and what is to be said where rows are missing. */
function bodyOf(parts: Part[], isSearch: boolean): Row[] {
  const rows = parts.flatMap(part => [...failureOf(part), ...part.rows, ...moreOf(part)]);
  const { key = '', level = 2 } = parts[0] ?? {};
  if (rows.length > 0) {
    return rows;
  }
  const isReady = parts.every(part => part.list.phase === 'ready');
  return isReady
    ? [{ kind: 'nothing', key: `${key}?`, level, isSearch }]
    : [{ kind: 'skeleton', key: `${key}?`, level }];
}

/** That old rows could not be refreshed because the server is away is said once, for the whole sidebar. */
function failureOf({ list, key, level }: Part): Row[] {
  return list.error === null || (list.error.isUnreachable && list.phase === 'ready')
    ? []
    : [{ kind: 'failure', key: `${key}!`, level, list, error: list.error }];
}

function moreOf({ list, key, level }: Part): Row[] {
  const left = list.total === null ? null : list.total - list.items.length;
  return list.hasMore
    ? [{ kind: 'more', key: `${key}+`, level, list, left, isLoading: list.isLoadingMore }]
    : [];
}
