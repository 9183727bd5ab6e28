/** The drawn part of a chart, and what pointer and keys do to it. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState, type JSX, type KeyboardEvent } from 'react';

import type { Trans } from '../i18n';
import type { Curve } from '../records';
import type { Range } from './curves';
import { keyIntent, PointerGestures, type Box, type Intent, type Place } from './gestures';
import { useLatest, useSignal } from './hooks';
import { carryOut } from './intents';
import type { Linked } from './linked';
import { Overlay } from './Overlay';
import type { Backdrop } from './paint';
import { Plot, type Frame, type PlotScene, type Size } from './plot';
import { readingsAt } from './readout';
import { Scenery, type Outcome } from './scenery';
import type { Stroke } from './stroke';
import { watchTheme } from './theme';
import { xScale, type ChartView, type XKind } from './view';
import { readingText, summaryText, xText, xWord } from './wording';

export interface CanvasProps {
  readonly chart: string;
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly strokes: ReadonlyMap<string, Stroke>;
  readonly view: ChartView;
  /** The range of the values; null: all of them. */
  readonly height: Range | null;
  /** Points are still coming. */
  readonly live: boolean;
  readonly linked: Linked;
  readonly size: Size;
  /** The x axis says nothing: the chart above has the same. */
  readonly isBare?: boolean;
  readonly name: (curve: Curve) => string;
  readonly backdrop?: Backdrop;
  readonly trans: Trans;
  /** Told what could not be drawn. */
  readonly onOutcome: (outcome: Outcome) => void;
}

interface Drawn {
  readonly scene: PlotScene;
  readonly frame: Frame;
}

const HINT_MS = 3000;

export function ChartCanvas(props: CanvasProps): JSX.Element {
  const { chart, title, curves, view, linked, trans, name } = props;
  const host = useRef<HTMLDivElement>(null);
  const drawn = useDrawing(host, props);
  const [pointer, setPointer] = useState<Place | null>(null);
  const [box, setBox] = useState<Box | null>(null);
  const [hint, showHint] = useHint();
  const [spoken, setSpoken] = useState('');

  const act = useLatest((intent: Intent) => {
    if (intent.kind === 'select') {
      setBox(intent.box);
    } else if (intent.kind === 'hint') {
      showHint();
    } else if (drawn) {
      setPointer(intent.kind === 'hover' ? intent.at : null);
      const { x: axis, y: values } = drawn.scene;
      carryOut(intent, { chart, title, kind: view.x, linked, axis, values, curves });
    }
  });
  const onKeyDown = (event: KeyboardEvent): void => {
    const intent = keyIntent(event);
    if (intent) {
      event.preventDefault();
      event.stopPropagation();
      act.current(intent);
      setSpoken(intent.kind === 'step' ? spokenReading(props) : '');
    }
  };
  const area = usePointer(act);
  const range = drawn?.scene.x.range ?? null;
  const label = summaryText(title, curves, range, view.x, name, trans);
  return (
    <div
      className="aiplat-ChartCanvas"
      ref={host}
      tabIndex={0}
      role="img"
      aria-label={label}
      onKeyDown={onKeyDown}
    >
      {drawn && (
        <div className="aiplat-ChartArea" style={drawn.frame} ref={area}>
          <Overlay {...{ chart, linked, pointer, box, name, trans, kind: view.x }} {...drawn} />
          {hint && <div className="aiplat-ChartHint">{trans.__('Hold Alt and turn the wheel to zoom')}</div>}
        </div>
      )}
      <span className="aiplat-Hidden" aria-live="polite">
        {spoken}
      </span>
    </div>
  );
}

/** The readings under the crosshair, for those who hear them. */
function spokenReading({ linked, curves, view, name, trans }: CanvasProps): string {
  if (!linked.crosshair) {
    return '';
  }
  const readings = readingsAt(curves, linked.crosshair.x);
  const where = `${xWord(view.x, trans)} ${xText(linked.crosshair.x, view.x)}`;
  return [where, ...readings.slice(0, 5).map(one => `${name(one.curve)} ${readingText(one)}`)].join(', ');
}

/** Keeps the canvas in `host` as `props` say, and tells what is drawn there. */
function useDrawing(host: { readonly current: HTMLElement | null }, props: CanvasProps): Drawn | null {
  const { curves, strokes, view, height, live, linked, size, backdrop, trans, onOutcome } = props;
  const { isBare = false } = props;
  const isLog = xScale(view) === 'log';
  const range = useRange(linked, view.x, live, isLog);
  const plot = useRef<Plot | null>(null);
  const [scenery] = useState(() => new Scenery());
  const [drawn, setDrawn] = useState<Drawn | null>(null);
  const xLabel = xWord(view.x, trans);
  const logLabel = trans.__('log');

  useEffect(() => watchTheme(() => plot.current?.redraw()), []);
  useEffect(
    () => () => {
      plot.current?.dispose();
      plot.current = null;
    },
    []
  );
  useLayoutEffect(() => {
    const shown = { curves, strokes, view, x: range, height, xLabel, logLabel, backdrop, isBare };
    const outcome = scenery.make(shown);
    onOutcome(outcome);
    if (host.current && outcome.scene) {
      plot.current ??= new Plot(host.current);
      plot.current.draw(outcome.scene, size);
      const frame = plot.current.frame;
      setDrawn(frame && { scene: outcome.scene, frame });
    } else {
      plot.current?.dispose();
      plot.current = null;
      setDrawn(null);
    }
  }, [
    host,
    scenery,
    curves,
    strokes,
    view,
    range,
    height,
    xLabel,
    logLabel,
    size,
    backdrop,
    isBare,
    onOutcome
  ]);
  return drawn;
}

/** The range of x that all linked charts show. */
function useRange(
  linked: Linked,
  kind: XKind,
  live: boolean,
  isLog: boolean
): readonly [number, number] | null {
  const zoom = useSignal(linked.zoomChanged, () => linked.zoom);
  const extent = useSignal(linked.extentChanged, () => JSON.stringify(linked.extent(kind)));
  return useMemo(
    () => (zoom.now !== null || extent !== 'null' ? linked.axis(kind, live, isLog) : null),
    [linked, zoom, extent, kind, live, isLog]
  );
}

/** A ref for the plotting area, whose pointer is read from then on. */
function usePointer(act: { readonly current: (intent: Intent) => void }): (node: HTMLElement | null) => void {
  const [area, setArea] = useState<HTMLElement | null>(null);
  useEffect(() => {
    if (!area) {
      return;
    }
    const gestures = new PointerGestures(area, intent => act.current(intent));
    return () => gestures.dispose();
  }, [area, act]);
  return setArea;
}

function useHint(): [boolean, () => void] {
  const [since, setSince] = useState(0);
  useEffect(() => {
    if (since > 0) {
      const timer = setTimeout(() => setSince(0), HINT_MS);
      return () => clearTimeout(timer);
    }
  }, [since]);
  return [since > 0, () => setSince(performance.now())];
}
