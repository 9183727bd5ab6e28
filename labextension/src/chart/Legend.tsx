/** Which line is which; a click hides or shows one, a double click shows it alone. */

import type { JSX } from 'react';

import { significant } from '../format';
import type { Trans } from '../i18n';
import type { Curve } from '../records';
import { curveKey } from './curves';
import type { Stroke } from './stroke';

interface Props {
  readonly curves: readonly Curve[];
  readonly strokes: ReadonlyMap<string, Stroke>;
  readonly hidden: ReadonlySet<string>;
  readonly onHide: (hidden: ReadonlySet<string>) => void;
  readonly onHover: (key: string | null) => void;
  readonly name: (curve: Curve) => string;
  readonly trans: Trans;
}

export function Legend(props: Props): JSX.Element {
  const { curves, trans } = props;
  return (
    <ul className="aiplat-ChartLegend" aria-label={trans.__('Curves')}>
      {curves.map(curve => (
        <Entry key={curveKey(curve)} {...props} curve={curve} />
      ))}
    </ul>
  );
}

function Entry({
  curve,
  curves,
  strokes,
  hidden,
  onHide,
  onHover,
  name,
  trans
}: Props & { curve: Curve }): JSX.Element {
  const key = curveKey(curve);
  const stroke = strokes.get(key);
  const isShown = !hidden.has(key);
  const alone = (): void => onHide(new Set(curves.map(curveKey).filter(other => other !== key)));
  const toggle = (): void =>
    onHide(new Set(isShown ? [...hidden, key] : [...hidden].filter(other => other !== key)));
  return (
    <li>
      <button
        type="button"
        className="aiplat-ChartEntry"
        aria-pressed={isShown}
        title={trans.__('Click hides or shows %1; double click shows it alone', name(curve))}
        onClick={toggle}
        onDoubleClick={alone}
        onMouseEnter={() => onHover(key)}
        onMouseLeave={() => onHover(null)}
        onFocus={() => onHover(key)}
        onBlur={() => onHover(null)}
      >
        <span
          className="aiplat-ChartSwatch"
          style={{
            borderTopColor: stroke?.colour ?? 'var(--jp-border-color1)',
            borderTopStyle: stroke && stroke.dash.length > 0 ? 'dashed' : 'solid'
          }}
        />
        <span className="aiplat-ChartEntryName">{name(curve)}</span>
        <span className="aiplat-ChartNumber">{significant(curve.summary.last)}</span>
      </button>
    </li>
  );
}
