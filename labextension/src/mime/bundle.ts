/** What a panel leaves in its notebook: which curves it showed, and how. */

import { DEFAULT_VIEW, restoreView, type ChartView, type Subject } from '../chart/view';

export const CURVE_MIME = 'application/vnd.aiplat.curve+json';
/** A panel that is no curve: its widget alone. */
export const PANEL_MIME = 'application/vnd.aiplat.panel+json';

export interface Bundle {
  /** Without experiments nothing is asked of the server: a panel of no curve, or of none yet. */
  readonly subject: Subject;
  readonly view: ChartView;
  /** What was read of the machine and is shown under the curve. */
  readonly machine: readonly string[];
  /** The panel's widget, which exists as long as its kernel does. */
  readonly modelId: string | null;
}

const VERSION = 1;

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(item => typeof item === 'string');

/** `data` as a bundle; null if it is none, or of a later version. */
export function readBundle(data: unknown): Bundle | null {
  if (typeof data !== 'object' || data === null) {
    return null;
  }
  const known = data as Partial<Record<string, unknown>>;
  const { version, experiments = [], metrics = [], machine = [], options, widget } = known;
  if (version !== VERSION || !isTexts(experiments) || !isTexts(metrics)) {
    return null;
  }
  const modelId =
    typeof widget === 'object' && widget !== null && 'model_id' in widget ? widget.model_id : null;
  return {
    subject: { experiments, metrics },
    machine: isTexts(machine) ? machine : [],
    view: options === undefined ? DEFAULT_VIEW : restoreView(options),
    modelId: typeof modelId === 'string' && modelId !== '' ? modelId : null
  };
}
