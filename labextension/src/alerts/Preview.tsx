/** What the rule would have done: the values over time, its thresholds, and when it would have fired. */

import { useEffect, useId, useMemo, useState, type JSX } from 'react';

import { ChartCanvas } from '../chart/ChartCanvas';
import { useLasting, useLegend, useReport, useSize } from '../chart/hooks';
import { Legend } from '../chart/Legend';
import { Linked } from '../chart/linked';
import type { Backdrop } from '../chart/paint';
import { watchTheme } from '../chart/theme';
import { DEFAULT_VIEW } from '../chart/view';
import { count, exactTime, significant } from '../format';
import type { Trans } from '../i18n';
import { Heading } from '../page/Heading';
import type { Curve, RuleReplay, RuleSpec } from '../records';
import { backdropOf, curvesOf, targetName, type Colours } from './replay';
import { countsSteps, measureOf, spanText, thresholdKind } from './measures';
import { REACHES, type RuleModel } from './ruleModel';
import { severityWord } from './severity';

const name = (curve: Curve): string => curve.metric;
/** So many stretches are told in words. */
const MOST = 6;
const HOUR = 3600;

export function Preview({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  const { replay, replayed } = model;
  const isSlow = useLasting(model.isChecking, 600);
  return (
    <section className="aiplat-RulePreview" aria-label={trans.__('What it would have done')}>
      <Heading title={trans.__('What it would have done')}>
        <Reaches model={model} />
      </Heading>
      <p className="aiplat-RuleVerdict" role="status" aria-live="polite">
        {verdict(model, isSlow, trans)}
      </p>
      {replay !== null && replayed !== null ? (
        <>
          <Values replay={replay} spec={replayed} trans={trans} />
          <Stretches replay={replay} spec={replayed} trans={trans} />
        </>
      ) : (
        <div className="aiplat-ChartBody">
          {model.isChecking && (
            <div className="aiplat-ChartSkeleton" role="status" aria-label={trans.__('Loading the curve')} />
          )}
        </div>
      )}
      {model.error !== null && replay === null && (
        <button type="button" className="aiplat-TextButton" onClick={() => model.retry()}>
          {trans.__('Retry')}
        </button>
      )}
    </section>
  );
}

function Reaches({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  return (
    <select
      className="aiplat-Select"
      aria-label={trans.__('How far back')}
      value={model.reach}
      onChange={event => model.setReach(Number(event.target.value) as typeof model.reach)}
    >
      {REACHES.map(hours => (
        <option key={hours} value={hours}>
          {trans.__('the last %1', spanText(hours * HOUR))}
        </option>
      ))}
    </select>
  );
}

function verdict(model: RuleModel, isSlow: boolean, trans: Trans): string {
  if (model.replay === null) {
    return model.error?.isUnreachable === true ? trans.__('The server cannot be reached.') : '';
  }
  if (isSlow) {
    return trans.__('Replaying…');
  }
  const { times, note, targets } = model.replay;
  const notes = {
    '': '',
    not_kept: trans.__(
      'The history does not keep this, so it cannot be replayed; from now on the rule sees it.'
    ),
    nothing: trans.__('Nothing that it watches was there.'),
    some: trans.__('Replayed on the newest %1 only.', count(targets.length))
  };
  const fired = trans._n('It would have fired %1 time.', 'It would have fired %1 times.', times);
  const said = times === 0 ? trans.__('It would not have fired.') : fired;
  return note === 'not_kept' || note === 'nothing' ? notes[note] : `${said} ${notes[note]}`.trim();
}

interface Shown {
  readonly replay: RuleReplay;
  readonly spec: RuleSpec;
  readonly trans: Trans;
}

function Values({ replay, spec, trans }: Shown): JSX.Element {
  const [root, setRoot] = useState<HTMLElement | null>(null);
  const colours = useColours(root);
  const curves = useMemo(() => curvesOf(replay, spec, trans), [replay, spec, trans]);
  const backdrop = useMemo(() => backdropOf(replay, spec, colours, trans), [replay, spec, colours, trans]);
  return (
    <div className="aiplat-Chart" ref={setRoot}>
      <header className="aiplat-ChartHead">
        <h3>{valueTitle(spec, trans)}</h3>
      </header>
      <Canvas title={valueTitle(spec, trans)} {...{ curves, backdrop, spec, trans }} />
    </div>
  );
}

function Canvas(props: {
  title: string;
  curves: readonly Curve[];
  backdrop: Backdrop;
  spec: RuleSpec;
  trans: Trans;
}): JSX.Element {
  const { title, curves, backdrop, spec, trans } = props;
  const chart = useId();
  const [linked] = useState(() => new Linked());
  const [body, size] = useSize();
  const { strokes, shown, hidden, setHidden, setHovered } = useLegend(curves);
  const kind = countsSteps(spec.condition) ? 'step' : 'wall';
  const view = useMemo(() => ({ ...DEFAULT_VIEW, x: kind, band: false }) as const, [kind]);
  const [isEmpty, setEmpty] = useState(false);
  const [onOutcome] = useState(
    () =>
      (outcome: { scene: unknown }): void =>
        setEmpty(outcome.scene === null)
  );
  useReport(linked, chart, kind, curves, false);
  return (
    <>
      <div className="aiplat-ChartBody" ref={body}>
        {size && shown.length > 0 && (
          <ChartCanvas
            {...{ chart, title, strokes, view, linked, size, backdrop, name, trans, onOutcome }}
            curves={shown}
            height={null}
            live={false}
          />
        )}
        {(curves.length === 0 || isEmpty) && (
          <div className="aiplat-ChartEmpty" role="status">
            <p>{trans.__('No values in this time.')}</p>
          </div>
        )}
      </div>
      {curves.length > 1 && (
        <Legend {...{ curves, strokes, hidden, onHide: setHidden, onHover: setHovered, name, trans }} />
      )}
    </>
  );
}

/** The colours of severities where the chart is, in the theme in force. */
function useColours(node: Element | null): Colours {
  const [, redraw] = useState(0);
  useEffect(() => watchTheme(() => redraw(times => times + 1)), []);
  const read = (name: string): string => (node ? getComputedStyle(node).getPropertyValue(name).trim() : '');
  const [info, warning, critical] = ['--jp-info-color1', '--jp-warn-color1', '--jp-error-color1'].map(read);
  return useMemo(
    () => ({ info: info || '#1976d2', warning: warning || '#f57c00', critical: critical || '#d32f2f' }),
    [info, warning, critical]
  );
}

function valueTitle(spec: RuleSpec, trans: Trans): string {
  const { word, unit, isEvent } = measureOf(spec.subject, spec.metric, trans);
  const kind = thresholdKind(spec.condition, isEvent);
  if (spec.subject === 'task' || kind === 'duration') {
    return trans.__('seconds');
  }
  return kind === 'measure' && unit !== '' ? `${word} · ${unit}` : word;
}

/** When it would have fired, of whom, and how long. */
function Stretches({ replay, spec, trans }: Shown): JSX.Element | null {
  const inSteps = countsSteps(spec.condition);
  const all = replay.targets
    .flatMap(({ target, fired }) => fired.map(([from, to, severity]) => ({ target, from, to, severity })))
    .sort((one, other) => other.from - one.from);
  if (all.length === 0) {
    return null;
  }
  const place = (at: number): string => (inSteps ? trans.__('step %1', significant(at)) : exactTime(at));
  const length = (from: number, to: number): string =>
    inSteps ? trans.__('%1 steps', count(to - from)) : spanText(Math.max(1, Math.round(to - from)));
  return (
    <ul className="aiplat-RuleStretches">
      {all.slice(0, MOST).map(({ target, from, to, severity }) => (
        <li key={`${target.key} ${from}`}>
          <span className="aiplat-AlertState" data-severity={severity}>
            {severityWord(severity, trans)}
          </span>
          <span title={targetName(target, replay)}>{targetName(target, replay)}</span>
          <span>{place(from)}</span>
          <span>{length(from, to)}</span>
        </li>
      ))}
      {all.length > MOST && <li>{trans.__('and %1 more', count(all.length - MOST))}</li>}
    </ul>
  );
}
