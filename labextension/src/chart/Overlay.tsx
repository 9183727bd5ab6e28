/** What moves over a chart's canvas: crosshair, dots, tooltip, the range being dragged out. */

import type { CSSProperties, JSX } from 'react';

import type { Trans } from '../i18n';
import type { Curve } from '../records';
import type { Box, Place } from './gestures';
import { useSignal } from './hooks';
import type { Linked } from './linked';
import { mapper, type Scene } from './paint';
import type { Frame, PlotScene } from './plot';
import { readingsAt, type Reading } from './readout';
import type { XKind } from './view';
import { readingDetail, readingText, xText, xWord } from './wording';

interface Props {
  readonly chart: string;
  readonly scene: PlotScene;
  readonly frame: Frame;
  readonly linked: Linked;
  readonly kind: XKind;
  /** Where the pointer is, as fractions; null: not here (the crosshair may come from another chart, or from keys). */
  readonly pointer: Place | null;
  readonly box: Box | null;
  readonly name: (curve: Curve) => string;
  readonly trans: Trans;
}

/** Points further than so many pixels from the crosshair are not read. */
const REACH = 24;
const MOST_ROWS = 10;
const MOST_DOTS = 16;

export function Overlay(props: Props): JSX.Element {
  const { frame, linked, scene, box, chart, kind } = props;
  const set = useSignal(linked.crosshairChanged, () => linked.crosshair);
  const crosshair = set?.kind === kind ? set : null;
  const toX = mapper(scene.x, 0, frame.width);
  const left = crosshair ? toX(crosshair.x) : NaN;
  const isInView = left >= -0.5 && left <= frame.width + 0.5;
  const readings = isInView && crosshair ? read(props, crosshair.x) : [];
  return (
    <>
      {scene.yLabel && <span className="aiplat-ChartUnit">{scene.yLabel}</span>}
      {box && (
        <div
          className="aiplat-ChartBox"
          data-across={box.x !== null}
          data-down={box.y !== null}
          style={boxStyle(box, frame)}
        />
      )}
      {isInView && <div className="aiplat-ChartCrosshair" style={{ left }} />}
      {isInView && <Dots {...props} readings={readings} toX={toX} />}
      {isInView && !box && crosshair?.chart === chart && (
        <Tooltip {...props} readings={readings} x={readings[0]?.x ?? crosshair.x} left={left} />
      )}
    </>
  );
}

/** The readings at `x`, the nearest to the pointer first. */
function read({ scene, frame, pointer }: Props, x: number): Reading[] {
  const toX = mapper(scene.x, 0, frame.width);
  const toY = mapper(scene.y, frame.height, -frame.height);
  const distance = pointer ? (value: number) => Math.abs(toY(value) - pointer.y * frame.height) : undefined;
  const at = toX(x);
  return readingsAt(scene.curves, x, distance).filter(
    reading => toX(reading.firstX) - at <= REACH && at - toX(reading.x) <= REACH
  );
}

/** A direction that is not zoomed is covered whole. */
function boxStyle({ x, y }: Box, frame: Frame): CSSProperties {
  const [left, right] = x ?? [0, 1];
  const [top, bottom] = y ?? [0, 1];
  return {
    left: Math.min(left, right) * frame.width,
    width: Math.abs(right - left) * frame.width,
    top: Math.min(top, bottom) * frame.height,
    height: Math.abs(bottom - top) * frame.height
  };
}

function colour(scene: Pick<Scene, 'strokes'>, key: string): string {
  return scene.strokes.get(key)?.colour ?? 'var(--jp-border-color1)';
}

function Dots({
  scene,
  frame,
  readings,
  toX
}: Props & { readings: readonly Reading[]; toX: (x: number) => number }) {
  const toY = mapper(scene.y, frame.height, -frame.height);
  const dots = readings.slice(0, MOST_DOTS).flatMap(({ key, x, drawn }) => {
    const top = drawn === null ? NaN : toY(drawn);
    return top >= -1 && top <= frame.height + 1 ? [{ key, left: toX(x), top }] : [];
  });
  return (
    <>
      {dots.map(({ key, left, top }) => (
        <div key={key} className="aiplat-ChartDot" style={{ left, top, background: colour(scene, key) }} />
      ))}
    </>
  );
}

function Tooltip(
  props: Props & { readings: readonly Reading[]; x: number; left: number }
): JSX.Element | null {
  const { readings, x, left, frame, scene, kind, trans } = props;
  if (readings.length === 0) {
    return null;
  }
  const side = left > frame.width / 2 ? { right: frame.width - left + 12 } : { left: left + 12 };
  return (
    <div className="aiplat-ChartTooltip" style={side} aria-hidden="true">
      <div className="aiplat-ChartTooltipX">
        {xWord(kind, trans)} {xText(x, kind)}
      </div>
      {readings.slice(0, MOST_ROWS).map(reading => (
        <div key={reading.key} className="aiplat-ChartTooltipRow">
          <span className="aiplat-ChartSwatch" style={{ borderTopColor: colour(scene, reading.key) }} />
          <span className="aiplat-ChartTooltipName">{props.name(reading.curve)}</span>
          <span className="aiplat-ChartNumber">{readingText(reading)}</span>
          <span className="aiplat-ChartTooltipDetail">{readingDetail(reading, trans)}</span>
        </div>
      ))}
      {readings.length > MOST_ROWS && (
        <div className="aiplat-ChartTooltipMore">{trans.__('and %1 more', readings.length - MOST_ROWS)}</div>
      )}
    </div>
  );
}
