/** Bars and readings, the small parts that sidebar and page share. */

import type { JSX } from 'react';

import type { Trans } from '../i18n';
import type { GpuReading } from '../records';
import { NONE } from './figures';
import type { Level } from './level';
import { absence } from './words';

interface MeterProps {
  /** From 0 to 1; null: not known, which is drawn as no bar at all. */
  readonly share: number | null;
  readonly level?: Level;
  readonly isThin?: boolean;
}

/** A bar; what it says stands beside it in figures. */
export function Meter({ share, level = 'normal', isThin = false }: MeterProps): JSX.Element {
  return (
    <span className="aiplat-Meter" data-thin={isThin} data-known={share !== null} aria-hidden="true">
      {share !== null && <span data-level={level} style={{ width: `${share * 100}%` }} />}
    </span>
  );
}

/** A value, or a dash that says why there is none. */
export function Figure(props: {
  reading: GpuReading;
  text: string;
  /** Where more is known of it than the reading says. */
  why?: string;
  trans: Trans;
}): JSX.Element {
  const { reading, text, trans, why = absence(reading.reason, trans) } = props;
  return reading.value === null ? <Absent why={why} /> : <>{text}</>;
}

/** A dash that says why there is no value. */
export function Absent({ why }: { why: string }): JSX.Element {
  return (
    <span className="aiplat-GpuAbsent" title={why}>
      <span aria-hidden="true">{NONE}</span>
      <span className="aiplat-Hidden">{why}</span>
    </span>
  );
}
