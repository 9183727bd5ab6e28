/** Who this experiment is, how it fares, and what can be done to it. */

import { Clipboard, Notification } from '@jupyterlab/apputils';
import { useState, type JSX } from 'react';

import * as actions from '../actions';
import { duration, exactTime, relative } from '../format';
import type { Trans } from '../i18n';
import type { Experiment } from '../records';
import { MoreButton } from '../page/MoreButton';
import type { Services } from '../services';
import { NameField } from '../sidebar/NameField';
import { useNow } from '../signals';
import { experimentCode } from '../snippets';
import { describe, isLive } from '../status';
import { openMenu } from './menu';
import type { ExperimentModel } from './model';
import { Notebook } from './Notebook';
import { Stale } from './notices';

export interface HeaderProps {
  readonly model: ExperimentModel;
  readonly experiment: Experiment;
  readonly services: Services;
}

export function Header({ model, experiment, services }: HeaderProps): JSX.Element {
  const [isRenaming, setRenaming] = useState(false);
  const { trans } = services;
  const canWrite = experiment.role !== 'viewer';
  const rename = (name: string | null): void => {
    setRenaming(false);
    if (name && name !== experiment.name) {
      model.edit({ name }).catch((reason: unknown) => actions.report(trans, reason));
    }
  };
  return (
    <header className="aiplat-PageHeader">
      <Status experiment={experiment} trans={trans} />
      <div className="aiplat-PageTitle">
        <span className="aiplat-PageProject" title={experiment.project_name}>
          {experiment.project_name}
        </span>
        <span aria-hidden="true">/</span>
        {isRenaming ? (
          <NameField name={experiment.name} trans={trans} onDone={rename} />
        ) : (
          <Name name={experiment.name} onEdit={canWrite ? () => setRenaming(true) : null} trans={trans} />
        )}
      </div>
      <Facts experiment={experiment} services={services} />
      <Stale {...{ model, experiment, services }} />
      <Buttons {...{ model, experiment, services }} onRename={() => setRenaming(true)} />
    </header>
  );
}

/** Icon, word and reason of the state; a change is announced. */
function Status({ experiment, trans }: { experiment: Experiment; trans: Trans }): JSX.Element {
  const { icon, word, cause } = describe(experiment, trans);
  const state = experiment.status === 'running' && experiment.unreachable ? 'lost' : experiment.status;
  return (
    <span className="aiplat-PageStatus" data-status={state} role="status" title={cause || word}>
      <span className="aiplat-Status" data-status={state} aria-hidden="true">
        {icon}
      </span>
      {word}
      {cause && <span className="aiplat-PageCause">{cause}</span>}
    </span>
  );
}

function Name({
  name,
  onEdit,
  trans
}: {
  name: string;
  onEdit: (() => void) | null;
  trans: Trans;
}): JSX.Element {
  return (
    <h1
      tabIndex={onEdit ? 0 : undefined}
      title={onEdit ? trans.__('%1 (F2 or a double click renames)', name) : name}
      onDoubleClick={onEdit ?? undefined}
      onKeyDown={event => {
        if (event.key === 'F2' && onEdit) {
          event.preventDefault();
          onEdit();
        }
      }}
    >
      {name}
    </h1>
  );
}

function Facts({ experiment, services }: Pick<HeaderProps, 'experiment' | 'services'>): JSX.Element {
  const { trans } = services;
  const tags = experiment.tags.map(tag => `#${tag}`).join(' ');
  return (
    <div className="aiplat-PageFacts">
      <Time experiment={experiment} trans={trans} />
      {experiment.attempts > 1 && <span>{trans.__('attempt %1', experiment.attempts)}</span>}
      <Notebook experiment={experiment} services={services} />
      {tags !== '' && (
        <span className="aiplat-PageTagLine" title={tags}>
          {tags}
        </span>
      )}
    </div>
  );
}

function Time({ experiment, trans }: { experiment: Experiment; trans: Trans }): JSX.Element {
  const live = isLive(experiment.status);
  const now = useNow(live ? 1 : 60);
  const { started_at: start, ended_at: end } = experiment;
  if (start === null) {
    return (
      <span title={exactTime(experiment.created_at)}>{relative(experiment.created_at, 'short', now)}</span>
    );
  }
  const took = duration((live ? now : (end ?? experiment.updated_at)) - start);
  const ended = end !== null && !live ? ` · ${relative(end, 'short', now)}` : '';
  const title = [
    trans.__('started %1', exactTime(start)),
    ...(end ? [trans.__('ended %1', exactTime(end))] : [])
  ];
  return (
    <span className="aiplat-PageTime" title={title.join('\n')}>
      {took + ended}
    </span>
  );
}

function Buttons({
  model,
  experiment,
  services,
  onRename
}: HeaderProps & { onRename: () => void }): JSX.Element {
  const { trans } = services;
  const canWrite = experiment.role !== 'viewer';
  const stop = (): void => void actions.stop(services, [experiment.uid]).then(() => model.reload());
  const copy = (): void => {
    Clipboard.copyToSystem(experimentCode([experiment.uid]));
    Notification.success(trans.__('Copied; paste it into a cell'), { autoClose: 3000 });
  };
  return (
    <div className="aiplat-PageButtons">
      {isLive(experiment.status) && canWrite && (
        <button
          type="button"
          className="aiplat-TextButton"
          disabled={experiment.stop_requested}
          onClick={stop}
        >
          {experiment.stop_requested ? trans.__('Stopping…') : trans.__('Stop')}
        </button>
      )}
      <button type="button" className="aiplat-TextButton" onClick={copy}>
        {trans.__('Copy code')}
      </button>
      <MoreButton
        onOpen={button => openMenu(button, { model, experiment, services, onRename })}
        trans={trans}
      />
    </div>
  );
}
