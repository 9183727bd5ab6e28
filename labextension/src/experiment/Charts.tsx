/** One chart for each metric, under the heads of their prefixes, and the controls for all of them. */

import { useCallback, useMemo, useState, type JSX, type ReactNode } from 'react';

import { Controls } from '../chart/Controls';
import { CurveChart } from '../chart/CurveChart';
import { useInView, useLasting } from '../chart/hooks';
import type { Linked } from '../chart/linked';
import { Strips } from '../chart/Strips';
import { placeOf, systemTitle } from '../chart/system';
import { count } from '../format';
import type { Curve, Experiment } from '../records';
import type { Services } from '../services';
import { isLive } from '../status';
import { ComparePicker } from './ComparePicker';
import { ErrorBoundary, FailureCard } from './ErrorBoundary';
import { MetricPicker } from './MetricPicker';
import { grouped, inOrder, toDraw, type Group } from './metrics';
import type { ExperimentModel } from './model';
import { useCompanions } from './names';
import type { PageState } from './state';
import { TaskLog } from './TaskLog';

interface Props {
  readonly model: ExperimentModel;
  readonly experiment: Experiment;
  readonly services: Services;
  readonly linked: Linked;
  readonly state: PageState;
  readonly onState: (change: Partial<PageState>) => void;
  /** What stands beside the charts, above the controls. */
  readonly children?: ReactNode;
}

export function Charts(props: Props): JSX.Element {
  const { model, experiment, services, linked, state, onState } = props;
  const { trans } = services;
  const names = useMemo(
    () => inOrder(model.metrics ?? [], experiment.headline?.metric ?? null),
    [model.metrics, experiment.headline?.metric]
  );
  const drawn = useMemo(() => toDraw(names, state.metrics), [names, state.metrics]);
  const changeView = (view: PageState['view']): void => {
    if (view.x !== state.view.x || view.xLog !== state.view.xLog) {
      linked.forget();
    }
    onState({ view });
  };
  return (
    <>
      <main className="aiplat-PageCharts" aria-label={trans.__('Curves')}>
        <Groups {...props} names={names} drawn={drawn} />
        <ErrorBoundary trans={trans}>
          <TaskLog experiment={experiment} services={services} />
        </ErrorBoundary>
      </main>
      {props.children}
      <Controls view={state.view} onChange={changeView} trans={trans}>
        <MetricPicker names={names} drawn={drawn} onChange={metrics => onState({ metrics })} trans={trans} />
        <ComparePicker
          uid={experiment.uid}
          project={experiment.project}
          compared={state.compared}
          onChange={compared => onState({ compared })}
          services={services}
        />
      </Controls>
    </>
  );
}

function Groups(props: Props & { names: readonly string[]; drawn: readonly string[] }): JSX.Element {
  const { model, experiment, services, state, names, drawn } = props;
  const { trans } = services;
  const companions = useCompanions(services, state.compared);
  const isSingle = state.compared.length === 0;
  const name = useCallback(
    (curve: Curve): string => {
      const own =
        curve.experiment === experiment.uid ? experiment.name : companions.names.get(curve.experiment);
      const parts = [isSingle ? curve.metric : (own ?? curve.experiment), placeOf(curve.context)];
      return parts.filter(Boolean).join(' · ');
    },
    [experiment.uid, experiment.name, companions, isSingle]
  );
  if (model.metrics === null) {
    return <Waiting model={model} trans={trans} />;
  }
  if (names.length === 0) {
    return <p className="aiplat-PageNothing">{nothingText(experiment, services)}</p>;
  }
  const live = isLive(experiment.status) || companions.live;
  const groups = grouped(drawn);
  return (
    <>
      {groups.length === 0 && <OwnStrips {...props} />}
      {groups.map((group, i) => (
        <GroupOfCharts key={group.prefix} {...props} {...{ group, live, name }} isFirst={i === 0} />
      ))}
      {drawn.length < names.length && (
        <p className="aiplat-PageNothing">
          {trans.__(
            '%1 of %2 metrics are shown; “+ metric” shows others.',
            count(drawn.length),
            count(names.length)
          )}
        </p>
      )}
      <SystemGroup {...props} {...{ live, name }} />
    </>
  );
}

/** Seconds after its beginning in which a run has its first system metrics, if it keeps any. */
const FIRST_READING_S = 30;

/** What the machine of the page's own experiment did, low, on the axis of the chart above. */
function OwnStrips({ model, experiment, services, linked, state }: Props): JSX.Element {
  const live = isLive(experiment.status);
  return (
    <ErrorBoundary trans={services.trans}>
      <Strips
        {...{ services, live, linked }}
        experiment={experiment.uid}
        summaries={model.system}
        view={state.view}
        awaited={live ? (experiment.started_at ?? 0) + FIRST_READING_S : 0}
      />
    </ErrorBoundary>
  );
}

/** All that is known of the machine, folded. */
function SystemGroup(props: Omit<GroupProps, 'group' | 'isFirst'>): JSX.Element | null {
  const { model, services, state } = props;
  const metrics = useMemo(() => inOrder(model.system, null), [model.system]);
  const view = useMemo(
    () => ({ ...state.view, yLog: false, outliers: false, smoothing: 'none' as const }),
    [state.view]
  );
  if (metrics.length === 0) {
    return null;
  }
  const group = { prefix: services.trans.__('System'), metrics };
  return <GroupOfCharts {...props} {...{ group }} state={{ ...state, view }} isFirst={false} isFolded />;
}

function Waiting({ model, trans }: { model: ExperimentModel; trans: Services['trans'] }): JSX.Element {
  const lasts = useLasting(true, 150);
  if (model.metricsError) {
    const { detail, hint, code } = model.metricsError;
    const what = trans.__('The list of metrics could not be loaded.');
    return (
      <FailureCard
        what={what}
        detail={`${code}: ${detail} ${hint}`}
        trans={trans}
        onRetry={() => model.reload()}
      />
    );
  }
  return (
    <div className="aiplat-ChartBody" aria-busy="true">
      {lasts && <div className="aiplat-ChartSkeleton" />}
    </div>
  );
}

function nothingText(experiment: Experiment, { trans }: Services): string {
  return isLive(experiment.status)
    ? trans.__('Nothing logged yet. The first exp.log({…}) makes a chart appear here.')
    : trans.__('This experiment ended without logging a metric.');
}

interface GroupProps extends Props {
  readonly group: Group;
  readonly live: boolean;
  readonly isFirst: boolean;
  readonly isFolded?: boolean;
  readonly name: (curve: Curve) => string;
}

function GroupOfCharts({ group, isFirst, isFolded = false, ...props }: GroupProps): JSX.Element {
  const [isOpen, setOpen] = useState(!isFolded);
  const { prefix, metrics } = group;
  return (
    <section className="aiplat-PageGroup">
      {prefix !== '' && (
        <h2>
          <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? '▾' : '▸'} {prefix} <span>{count(metrics.length)}</span>
          </button>
        </h2>
      )}
      {isOpen && (
        <div className="aiplat-PageGrid" data-first={isFirst}>
          {metrics.map((metric, i) => (
            <div key={metric} className="aiplat-PageCell">
              <LazyChart {...props} metric={metric} />
              {isFirst && i === 0 && <OwnStrips {...props} />}
            </div>
          ))}
        </div>
      )}
    </section>
  );
}

/** A chart that takes its room at once, and asks for its curves when it first comes into view. */
function LazyChart({
  metric,
  ...props
}: Omit<GroupProps, 'group' | 'isFirst' | 'isFolded'> & { metric: string }): JSX.Element {
  const { services, experiment, state, live, linked, name, model } = props;
  const title = model.system.some(one => one.metric === metric)
    ? systemTitle(metric, services.trans)
    : metric;
  const [root, isSeen] = useInView();
  const [wasSeen, setWasSeen] = useState(false);
  if (isSeen && !wasSeen) {
    setWasSeen(true);
  }
  const subject = { experiments: [experiment.uid, ...state.compared], metrics: [metric] };
  return (
    <div className="aiplat-PageChart" ref={root}>
      {wasSeen && (
        <ErrorBoundary trans={services.trans}>
          <CurveChart {...{ services, subject, live, linked, name }} view={state.view} title={title} />
        </ErrorBoundary>
      )}
    </div>
  );
}
