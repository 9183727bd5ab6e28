/** What is queued again and again: when next, and how it went last. */

import { useRef, type JSX, type MouseEvent } from 'react';

import { CommandIDs } from '../commands';
import { ahead, exactTime } from '../format';
import type { Trans } from '../i18n';
import { Heading } from '../page/Heading';
import { useKeptFocus } from '../page/keptFocus';
import { ListFailure, ListRest } from '../page/ListState';
import { MoreButton } from '../page/MoreButton';
import type { Problem, Schedule } from '../records';
import type { Services } from '../services';
import type { PagedList } from '../sidebar/pagedList';
import { useNow } from '../signals';
import { TASK_STATES, taskWord } from '../taskStatus';
import * as deeds from './deeds';
import { openScheduleMenu } from './menu';

interface Props {
  readonly list: PagedList<Schedule>;
  readonly services: Services;
}

/** Nothing where there is none: the form of a task tells how to make one. */
export function Schedules({ list, services }: Props): JSX.Element | null {
  const { trans } = services;
  const rows = useRef<HTMLUListElement>(null);
  useKeptFocus(list.items, rows);
  if (list.items.length === 0) {
    return list.phase === 'failed' ? (
      <ListFailure list={list} what={trans.__('The schedules could not be loaded.')} trans={trans} />
    ) : null;
  }
  return (
    <section>
      <Heading title={trans.__('Schedules')} total={list.total} />
      <ul ref={rows} className="aiplat-Schedules" tabIndex={-1} aria-label={trans.__('Schedules')}>
        {list.items.map(schedule => (
          <Row key={schedule.uid} schedule={schedule} services={services} />
        ))}
      </ul>
      <ListRest list={list} trans={trans} />
    </section>
  );
}

interface RowProps {
  readonly schedule: Schedule;
  readonly services: Services;
}

function Row({ schedule, services }: RowProps): JSX.Element {
  const { trans } = services;
  const { name, project_name: project, cron, timezone } = schedule;
  const onContextMenu = (event: MouseEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    openScheduleMenu(schedule, services, { x: event.clientX, y: event.clientY });
  };
  return (
    <li className="aiplat-ScheduleRow" data-uid={schedule.uid} onContextMenu={onContextMenu}>
      <Switch schedule={schedule} services={services} />
      <span className="aiplat-TaskName" title={`${name}\n${project}`}>
        {name}
        <span className="aiplat-Where"> {project}</span>
      </span>
      <span className="aiplat-ScheduleWhen" title={timezone}>
        <code>{cron}</code> {timezone}
      </span>
      <Next schedule={schedule} trans={trans} />
      <Last schedule={schedule} services={services} />
      <Buttons schedule={schedule} services={services} />
    </li>
  );
}

function Switch({ schedule, services }: RowProps): JSX.Element {
  const { uid, name, is_enabled: isOn, role } = schedule;
  return (
    <input
      type="checkbox"
      role="switch"
      className="aiplat-Switch"
      aria-label={services.trans.__('On: schedule “%1”', name)}
      checked={isOn}
      disabled={role === 'viewer'}
      onChange={event => void deeds.enableSchedule(services, uid, event.target.checked)}
    />
  );
}

function Next({ schedule, trans }: { schedule: Schedule; trans: Trans }): JSX.Element {
  const now = useNow(60);
  const { next_at: next } = schedule;
  return (
    <span className="aiplat-ScheduleNext" title={next === null ? '' : exactTime(next)}>
      {next === null ? trans.__('off') : trans.__('next %1', ahead(next, now))}
    </span>
  );
}

/** How the last task is, and why the last time queued nothing. */
function Last({ schedule, services }: RowProps): JSX.Element {
  const { trans, commands } = services;
  const { last_task: uid, last_state: state, problem } = schedule;
  const open = (): void => void commands.execute(CommandIDs.openTask, { uid });
  return (
    <span className="aiplat-ScheduleLast">
      {uid !== null && state !== null && (
        <button
          type="button"
          className="aiplat-ChartLink"
          title={trans.__('Open the last task')}
          onClick={open}
        >
          <span className="aiplat-Status" data-status={state} aria-hidden="true">
            {TASK_STATES[state].icon}
          </span>
          {trans.__('last one %1', taskWord(state, trans))}
        </button>
      )}
      {problem !== null && (
        <span className="aiplat-Amber" title={[problem.detail, problem.hint].filter(Boolean).join('\n')}>
          {trans.__('⚠ queued nothing: %1', problemText(problem, trans))}
        </span>
      )}
    </span>
  );
}

function Buttons({ schedule, services }: RowProps): JSX.Element {
  const { trans } = services;
  return (
    <span className="aiplat-RowButtons">
      {schedule.role !== 'viewer' && (
        <button
          type="button"
          className="aiplat-TextButton"
          aria-label={trans.__('Run “%1” now', schedule.name)}
          onClick={() => void deeds.runSchedule(services, schedule.uid)}
        >
          {trans.__('Run now')}
        </button>
      )}
      <MoreButton onOpen={button => openScheduleMenu(schedule, services, button)} trans={trans} />
    </span>
  );
}

/** Why the last time queued nothing; what is not known here stays in the server's words. */
function problemText({ detail }: Problem, trans: Trans): string {
  const known: Record<string, string> = {
    'The time passed while no server ran.': trans.__('no server ran at the time'),
    'The last task was still running.': trans.__('the last one was still running')
  };
  return known[detail] ?? detail;
}
