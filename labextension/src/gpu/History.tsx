/** Charts of what GPUs and machines did, with one x axis and crosshair. */

import { useEffect, useMemo, useState, type JSX, type KeyboardEvent } from 'react';

import { useSignal, useSize } from '../chart/hooks';
import { Legend } from '../chart/Legend';
import type { Linked } from '../chart/linked';
import { strokes as strokesOf, type Stroke } from '../chart/stroke';
import { curveKey } from '../chart/curves';
import { reset } from '../chart/zoom';
import { ErrorBoundary } from '../experiment/ErrorBoundary';
import { locale, type Trans } from '../i18n';
import { Heading } from '../page/Heading';
import type { Curve, GpuDevice } from '../records';
import { GpuChart } from './GpuChart';
import type { HistoryModel } from './historyModel';
import { GPU_METRICS, HOST_METRICS, type Line, type Metric } from './series';
import { SPANS, type Span } from './state';
import { commonAbsence } from './words';

/** Points are asked for in steps of so many pixels, so that a splitter may be dragged. */
const PIXEL_STEP = 100;
/** Charts stand two beside each other from this width on. */
const TWO_COLUMNS = 900;
/** A wider chart is drawn from no more points: a line of them would look the same. */
const MOST_POINTS = 1000;
/** With more lines, half as many points do: they lie over each other. */
const MANY = 16;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

interface Props {
  readonly model: HistoryModel;
  readonly agents: readonly string[];
  /** The GPUs that these have now. */
  readonly devices: readonly GpuDevice[];
  readonly span: Span;
  readonly onSpan: (span: Span) => void;
  readonly linked: Linked;
  readonly trans: Trans;
}

export function History(props: Props): JSX.Element {
  const { model, linked, devices, trans } = props;
  const [root, size] = useSize();
  useQuestion(props, size?.width ?? null);
  const state = useSignal(model.changed, () => model.state);
  const history = useMemo(() => ({ ...state, retry: () => model.retry() }), [state, model]);
  const lines = useMemo(() => state.lines ?? [], [state.lines]);
  const strokes = useStrokes(lines);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const isShown = ({ curve }: Line): boolean => !hidden.has(curve.experiment);
  const name = ({ experiment }: Curve): string => state.names.get(experiment) ?? experiment;
  const hasGpus = devices.length > 0 || lines.some(({ metric }) => metric === 'utilization');
  return (
    <section className="aiplat-GpuHistory" aria-label={trans.__('History')} ref={root}>
      <Heading title={trans.__('History')}>
        <Spans {...props} />
        <ShowAll linked={linked} trans={trans} />
      </Heading>
      {hasGpus && <GpuLegend {...{ lines, strokes, hidden, name, trans }} onHide={setHidden} />}
      <div className="aiplat-GpuCharts">
        {(hasGpus ? [...GPU_METRICS, ...HOST_METRICS] : HOST_METRICS).map(metric => (
          <ErrorBoundary key={metric} trans={trans}>
            <GpuChart
              {...{ metric, strokes, history, linked, name, trans }}
              title={titleOf(metric, trans)}
              absence={absenceIn(metric, devices, trans)}
              lines={lines.filter(line => line.metric === metric && isShown(line))}
            />
          </ErrorBoundary>
        ))}
      </div>
    </section>
  );
}

/** Why no GPU tells a metric. */
function absenceIn(metric: Metric, devices: readonly GpuDevice[], trans: Trans): string | null {
  const ofGpus = GPU_METRICS.find(one => one === metric);
  return ofGpus === undefined ? null : commonAbsence(devices, device => device[ofGpus], trans);
}

/** Ask for what is shown, as wide as it is drawn. */
function useQuestion({ model, agents, devices, span }: Props, width: number | null): void {
  const key = agents.join(' ');
  const columns = width !== null && width >= TWO_COLUMNS ? 2 : 1;
  const pixels = width === null ? null : Math.ceil(width / columns / PIXEL_STEP) * PIXEL_STEP;
  const points = pixels === null ? null : Math.min(MOST_POINTS, devices.length > MANY ? pixels / 2 : pixels);
  useEffect(() => {
    if (points !== null) {
      model.show({ agents: key === '' ? [] : key.split(' '), span, width: points });
    }
  }, [model, key, span, points]);
}

/** A GPU keeps its colour in all charts. */
function useStrokes(lines: readonly Line[]): ReadonlyMap<string, Stroke> {
  const subjects = (metrics: readonly Metric[]): string => {
    const found = lines.filter(({ metric }) => metrics.includes(metric)).map(({ curve }) => curve.experiment);
    return [...new Set(found)].join(' ');
  };
  const [gpus, hosts] = [subjects(GPU_METRICS), subjects(HOST_METRICS)];
  return useMemo(
    () => new Map([...strokesFor(gpus, GPU_METRICS), ...strokesFor(hosts, HOST_METRICS)]),
    [gpus, hosts]
  );
}

function strokesFor(subjects: string, metrics: readonly Metric[]): [string, Stroke][] {
  const all = subjects === '' ? [] : subjects.split(' ');
  return metrics.flatMap(metric => [
    ...strokesOf(
      all.map(experiment => ({ experiment, metric, context: '' })),
      new Set()
    )
  ]);
}

/** Which line is which GPU, for all charts. */
function GpuLegend(props: {
  lines: readonly Line[];
  strokes: ReadonlyMap<string, Stroke>;
  hidden: ReadonlySet<string>;
  onHide: (hidden: ReadonlySet<string>) => void;
  name: (curve: Curve) => string;
  trans: Trans;
}): JSX.Element {
  const { lines, strokes, hidden, onHide, name, trans } = props;
  const curves = lines.filter(({ metric }) => metric === 'utilization').map(({ curve }) => curve);
  const keys = new Map(curves.map(curve => [curveKey(curve), curve.experiment]));
  const hiddenKeys = new Set([...keys].filter(([, gpu]) => hidden.has(gpu)).map(([key]) => key));
  return (
    <div className="aiplat-GpuLegend">
      {curves.length > 1 && (
        <Legend
          {...{ curves, strokes, name, trans }}
          hidden={hiddenKeys}
          onHide={chosen => onHide(new Set([...chosen].flatMap(key => keys.get(key) ?? [])))}
          onHover={() => undefined}
        />
      )}
    </div>
  );
}

export function titleOf(metric: Metric, trans: Trans): string {
  switch (metric) {
    case 'utilization':
      return `${trans.__('Utilization')}, %`;
    case 'memory_used':
      return `${trans.__('Memory')}, GiB`;
    case 'temperature':
      return `${trans.__('Temperature')}, °C`;
    case 'power':
      return `${trans.__('Power')}, W`;
    case 'cpu':
      return `${trans.__('CPU')}, %`;
    case 'host_memory_used':
      return `${trans.__('Host memory')}, GiB`;
    case 'disk_used':
      return trans.__('Disk');
  }
}

/** How far the charts reach back. */
function Spans({ span, onSpan, trans }: Props): JSX.Element {
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = by === undefined ? -1 : (SPANS.indexOf(span) + by + SPANS.length) % SPANS.length;
    const next = SPANS[at];
    if (next !== undefined) {
      event.preventDefault();
      onSpan(next);
      event.currentTarget.querySelectorAll<HTMLElement>('button').item(at).focus();
    }
  };
  return (
    <div
      className="aiplat-GpuSpans"
      role="radiogroup"
      aria-label={trans.__('Time range')}
      onKeyDown={onKeyDown}
    >
      {SPANS.map(one => (
        <button
          key={one}
          type="button"
          role="radio"
          className="aiplat-TextButton"
          aria-checked={one === span}
          tabIndex={one === span ? 0 : -1}
          onClick={() => onSpan(one)}
        >
          {spanText(one)}
        </button>
      ))}
    </div>
  );
}

/** `15 min`, `24 hr`, `7 days` in the locale's own words. */
function spanText(seconds: Span): string {
  const [unit, size] =
    seconds > DAY
      ? (['day', DAY] as const)
      : seconds >= HOUR
        ? (['hour', HOUR] as const)
        : (['minute', MINUTE] as const);
  const format = new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'short' });
  return format.format(seconds / size);
}

function ShowAll({ linked, trans }: { linked: Linked; trans: Trans }): JSX.Element {
  const zoom = useSignal(linked.zoomChanged, () => linked.zoom);
  const isZoomed = zoom.now !== null || Object.keys(zoom.heights).length > 0;
  return (
    <button
      type="button"
      className="aiplat-ChartLink aiplat-ChartAll"
      style={{ visibility: isZoomed ? 'visible' : 'hidden' }}
      title={trans.__('A double click in the chart, or the key 0, does it too')}
      onClick={() => (linked.zoom = reset(linked.zoom))}
    >
      {trans.__('Show all')}
    </button>
  );
}
