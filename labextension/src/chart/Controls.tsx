/** The row of controls under charts: x, smoothing, log axes, band, outliers. */

import { useEffect, useState, type JSX, type ReactNode } from 'react';

import type { Trans } from '../i18n';
import type { Smoothing } from '../records';
import { SMOOTHINGS, WEIGHTS, X_KINDS, type ChartView, type XKind } from './view';
import { smoothingWord, xWord } from './wording';

interface Props {
  readonly view: ChartView;
  readonly onChange: (view: ChartView) => void;
  readonly trans: Trans;
  /** More controls, at the end of the row. */
  readonly children?: ReactNode;
}

/** One row; where there is little width, one button that unfolds them. */
export function Controls({ view, onChange, trans, children }: Props): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="aiplat-ChartControls">
      <button
        type="button"
        className="aiplat-ChartFold aiplat-ChartLink"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? '▾' : '▸'} {trans.__('View')}
      </button>
      <Fields {...{ view, onChange, trans, isOpen }} />
      {children !== undefined && <div className="aiplat-ChartMore">{children}</div>}
    </div>
  );
}

function Fields({
  view,
  onChange,
  trans,
  isOpen
}: Omit<Props, 'children'> & { isOpen: boolean }): JSX.Element {
  const set = (change: Partial<ChartView>): void => onChange({ ...view, ...change });
  return (
    <div
      className="aiplat-ChartFields"
      data-open={isOpen}
      role="group"
      aria-label={trans.__('How curves are shown')}
    >
      <label>
        {trans.__('x')}
        <select value={view.x} onChange={event => set({ x: event.target.value as XKind })}>
          {xKinds(view.x).map(kind => (
            <option key={kind} value={kind}>
              {xWord(kind, trans)}
            </option>
          ))}
        </select>
      </label>
      <SmoothingField {...{ view, set, trans }} />
      <Check
        label={trans.__('x log')}
        checked={view.xLog}
        disabled={view.x === 'wall'}
        onChange={xLog => set({ xLog })}
      />
      <Check label={trans.__('y log')} checked={view.yLog} onChange={yLog => set({ yLog })} />
      <Check label={trans.__('band')} checked={view.band} onChange={band => set({ band })} />
      <Check
        label={trans.__('cut outliers')}
        checked={view.outliers}
        onChange={outliers => set({ outliers })}
      />
    </div>
  );
}

/** The usual kinds, and the present one if it is another. */
function xKinds(present: XKind): readonly XKind[] {
  return X_KINDS.includes(present) ? X_KINDS : [...X_KINDS, present];
}

interface SmoothingProps {
  readonly view: ChartView;
  readonly set: (change: Partial<ChartView>) => void;
  readonly trans: Trans;
}

function SmoothingField({ view, set, trans }: SmoothingProps): JSX.Element {
  const range = WEIGHTS[view.smoothing];
  const choose = (smoothing: Smoothing): void => set({ smoothing, weight: WEIGHTS[smoothing].usual });
  return (
    <span className="aiplat-ChartSmoothing">
      <select
        aria-label={trans.__('Smoothing')}
        value={view.smoothing}
        onChange={event => choose(event.target.value as Smoothing)}
      >
        {SMOOTHINGS.map(smoothing => (
          <option key={smoothing} value={smoothing}>
            {smoothingWord(smoothing, trans)}
          </option>
        ))}
      </select>
      <Slider
        label={trans.__('Strength of smoothing')}
        {...range}
        value={view.weight}
        disabled={view.smoothing === 'none'}
        onChange={weight => set({ weight })}
      />
    </span>
  );
}

interface SliderProps {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
  readonly disabled: boolean;
  readonly onChange: (value: number) => void;
}

/** A slider whose number follows the hand at once, whatever its change sets going. */
function Slider({ label, min, max, step, value, disabled, onChange }: SliderProps): JSX.Element {
  const [shown, setShown] = useState(value);
  useEffect(() => setShown(value), [value]);
  return (
    <>
      <input
        type="range"
        aria-label={label}
        {...{ min, max, step, disabled }}
        value={shown}
        onChange={event => {
          setShown(event.target.valueAsNumber);
          onChange(event.target.valueAsNumber);
        }}
      />
      <output className="aiplat-ChartNumber">{disabled ? '' : shown}</output>
    </>
  );
}

interface CheckProps {
  readonly label: string;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
}

function Check({ label, checked, disabled, onChange }: CheckProps): JSX.Element {
  return (
    <label>
      <input type="checkbox" {...{ checked, disabled }} onChange={event => onChange(event.target.checked)} />
      {label}
    </label>
  );
}
