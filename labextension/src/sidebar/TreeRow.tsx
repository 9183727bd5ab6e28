/** One row of the tree. */

import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import { memo } from 'react';
import type { JSX, MouseEvent } from 'react';

import type { ApiError } from '../errors';
import { count } from '../format';
import type { Trans } from '../i18n';
import type { Curve, Project } from '../records';
import { AlertContent, SeverityIcon } from './AlertContent';
import { Cut } from './Cut';
import { ExperimentContent } from './ExperimentContent';
import { NameField } from './NameField';
import type { SectionName } from './model';
import type { Row } from './rows';
import type { Sidebar } from './sidebar';
import { TaskContent } from './TaskContent';

export interface TreeRowProps {
  sidebar: Sidebar;
  row: Row;
  /** CSS pixels from the top of the tree. */
  top: number;
  curve: Curve | undefined;
  isActive: boolean;
  isSelected: boolean;
  isRenaming: boolean;
  onClick: (event: MouseEvent, row: Row) => void;
  onDoubleClick: (row: Row) => void;
  onContextMenu: (event: MouseEvent, row: Row) => void;
}

export const TreeRow = memo(
  function TreeRow(props: TreeRowProps): JSX.Element {
    const { row, top, isActive, isSelected } = props;
    const isInList =
      row.kind === 'project' || row.kind === 'experiment' || row.kind === 'task' || row.kind === 'alert';
    const isExpanded =
      row.kind === 'section' || row.kind === 'project' ? (row.isExpanded ?? undefined) : undefined;
    return (
      <div
        className="aiplat-Row"
        role="treeitem"
        aria-level={row.level}
        aria-expanded={isExpanded}
        aria-selected={isInList ? isSelected : undefined}
        aria-posinset={isInList ? row.at : undefined}
        aria-setsize={isInList ? row.of : undefined}
        tabIndex={isActive ? 0 : -1}
        data-key={row.key}
        data-kind={row.kind}
        style={{ top }}
        onClick={event => props.onClick(event, row)}
        onDoubleClick={() => props.onDoubleClick(row)}
        onContextMenu={event => props.onContextMenu(event, row)}
      >
        <Content {...props} />
      </div>
    );
  },
  (before, after) =>
    before.top === after.top &&
    before.curve === after.curve &&
    before.isActive === after.isActive &&
    before.isSelected === after.isSelected &&
    before.isRenaming === after.isRenaming &&
    isSameRow(before.row, after.row)
);

/** Rows are made anew with every drawing, what they show is not. */
function isSameRow(before: Row, after: Row): boolean {
  const fresh = new Map<string, unknown>(Object.entries(after));
  return Object.entries(before).every(([name, value]) => fresh.get(name) === value);
}

function Content(props: TreeRowProps): JSX.Element {
  const { row, sidebar } = props;
  const { trans } = sidebar.services;
  switch (row.kind) {
    case 'section':
      return <SectionContent section={row} trans={trans} />;
    case 'project':
      return <ProjectContent {...props} project={row.project} isExpanded={row.isExpanded} />;
    case 'experiment':
      return (
        <ExperimentContent
          {...props}
          experiment={row.experiment}
          showsProject={row.showsProject}
          isExact={row.key.startsWith('running/')}
        />
      );
    case 'task':
      return <TaskContent task={row.task} trans={trans} />;
    case 'alert':
      return <AlertContent alert={row.alert} trans={trans} />;
    case 'allAlerts':
      return <span className="aiplat-Link">{trans.__('All alerts and rules')}</span>;
    case 'allTasks':
      return <span className="aiplat-Link">{trans.__('All tasks')}</span>;
    case 'more':
      return <span className="aiplat-Link">{moreLabel(row.left, row.isLoading, trans)}</span>;
    case 'failure':
      return <Failure error={row.error} trans={trans} />;
    case 'skeleton':
      return <span className="aiplat-Skeleton" aria-label={trans.__('loading')} />;
    case 'nothing':
      return <span className="aiplat-Nothing">{nothingLabel(row.key, row.isSearch, trans)}</span>;
  }
}

function Caret({ isExpanded }: { isExpanded: boolean }): JSX.Element {
  const icon = isExpanded ? caretDownIcon : caretRightIcon;
  return <icon.react tag="span" className="aiplat-Caret" elementSize="small" />;
}

function sectionTitle(name: SectionName, trans: Trans): string {
  return {
    alerts: trans.__('Alerts'),
    running: trans.__('Running'),
    tasks: trans.__('Tasks'),
    found: trans.__('Experiments'),
    projects: trans.__('Projects'),
    archived: trans.__('Archive'),
    trashed: trans.__('Trash')
  }[name];
}

type Section = Extract<Row, { kind: 'section' }>;

function SectionContent({ section, trans }: { section: Section; trans: Trans }): JSX.Element {
  const { name, isExpanded, total, worst } = section;
  return (
    <>
      <Caret isExpanded={isExpanded} />
      <span className="aiplat-Name">{sectionTitle(name, trans)}</span>
      {worst && <SeverityIcon severity={worst} trans={trans} />}
      <span className="aiplat-Count">{total === null ? '' : count(total)}</span>
    </>
  );
}

function ProjectContent(props: TreeRowProps & { project: Project; isExpanded: boolean | null }): JSX.Element {
  const { project, isExpanded, isRenaming, sidebar } = props;
  const { trans } = sidebar.services;
  const numbers = Object.values(project.experiments);
  const total = numbers.reduce((sum, number) => sum + number, 0);
  const running = project.experiments.running ?? 0;
  return (
    <>
      {isExpanded === null ? <span className="aiplat-Caret" /> : <Caret isExpanded={isExpanded} />}
      {isRenaming ? (
        <NameField name={project.name} trans={trans} onDone={name => void sidebar.finishRenaming(name)} />
      ) : (
        <span className="aiplat-Name" title={[project.name, project.description].filter(Boolean).join('\n')}>
          <Cut text={project.name} />
        </span>
      )}
      {running > 0 && (
        <span
          className="aiplat-Status"
          data-status="running"
          role="img"
          aria-label={trans.__('%1 running', count(running))}
          title={trans.__('%1 running', count(running))}
        >
          ●
        </span>
      )}
      <span className="aiplat-Count">{count(total)}</span>
    </>
  );
}

function Failure({ error, trans }: { error: ApiError; trans: Trans }): JSX.Element {
  const what = error.isUnreachable ? trans.__('The server cannot be reached.') : error.detail;
  return (
    <span
      className="aiplat-Failure"
      role="alert"
      title={[error.detail, error.hint].filter(Boolean).join('\n')}
    >
      <span className="aiplat-Name">
        ✕ {what} {error.hint}
      </span>
      <button type="button" className="aiplat-TextButton" tabIndex={-1}>
        {trans.__('Retry')}
      </button>
    </span>
  );
}

function moreLabel(left: number | null, isLoading: boolean, trans: Trans): string {
  if (isLoading) {
    return trans.__('Loading…');
  }
  return left === null ? trans.__('Show more') : trans.__('Show more (%1 left)', count(left));
}

function nothingLabel(key: string, isSearching: boolean, trans: Trans): string {
  if (isSearching) {
    return trans.__('Nothing found');
  }
  if (key.startsWith('alerts')) {
    return trans.__('All is well');
  }
  if (key.startsWith('tasks')) {
    return trans.__('No task runs or waits');
  }
  if (key.startsWith('archived')) {
    return trans.__('Nothing is archived');
  }
  if (key.startsWith('trashed')) {
    return trans.__('The trash is empty');
  }
  if (key.startsWith('projects')) {
    return trans.__('No projects yet');
  }
  return key.startsWith('running') ? trans.__('Nothing is running') : trans.__('Nothing here');
}
