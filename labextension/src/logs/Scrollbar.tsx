/** The scrollbar: where the reader is in the log by line numbers, with ticks for errors and hits. */

import { useRef, useState, type JSX, type PointerEvent } from 'react';

import { count } from '../format';

interface Props {
  readonly total: number;
  readonly height: number;
  /** The first line in view, and how many are. */
  readonly first: number;
  readonly inView: number;
  readonly isAtEnd: boolean;
  readonly errors: readonly number[];
  readonly hits: readonly number[];
  readonly label: string;
  /** Show this line at the top; null: the end. */
  readonly onGo: (line: number | null) => void;
}

export const SCROLLBAR_WIDTH = 14;
const LEAST_THUMB = 24;

export function Scrollbar(props: Props): JSX.Element {
  const { total, height, first, inView, isAtEnd, errors, hits, label, onGo } = props;
  const grip = useRef<number | null>(null);
  const [isHeld, setHeld] = useState(false);
  const thumb = Math.min(height, Math.max(LEAST_THUMB, (height * inView) / Math.max(1, total)));
  const room = height - thumb;
  const reach = Math.max(1, total - inView);
  const top = isAtEnd ? room : room * Math.min(1, (first - 1) / reach);
  const go = (event: PointerEvent<HTMLDivElement>): void => {
    const { top: origin } = event.currentTarget.getBoundingClientRect();
    const share = room <= 0 ? 1 : (event.clientY - origin - (grip.current ?? 0)) / room;
    onGo(share >= 0.999 ? null : 1 + Math.max(0, share) * reach);
  };
  const onDown = (event: PointerEvent<HTMLDivElement>): void => {
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    const at = event.clientY - event.currentTarget.getBoundingClientRect().top;
    const isOnThumb = at >= top && at <= top + thumb;
    grip.current = isOnThumb ? at - top : thumb / 2;
    setHeld(true);
    if (!isOnThumb) {
      go(event);
    }
  };
  const release = (): void => {
    grip.current = null;
    setHeld(false);
  };
  return (
    <div
      className="aiplat-LogScrollbar"
      role="scrollbar"
      aria-label={label}
      aria-orientation="vertical"
      aria-valuemin={1}
      aria-valuemax={Math.max(1, total)}
      aria-valuenow={isAtEnd ? Math.max(1, total) : Math.round(first)}
      onPointerDown={onDown}
      onPointerMove={event => grip.current !== null && go(event)}
      onPointerUp={release}
      onPointerCancel={release}
    >
      {thumb < height && <div className="aiplat-LogThumb" style={{ height: thumb, top }} />}
      {isHeld && (
        <span className="aiplat-LogThumbLine" style={{ top: top + thumb / 2 }} aria-hidden="true">
          {count(isAtEnd ? total : Math.round(first))}
        </span>
      )}
      <svg width={SCROLLBAR_WIDTH} height={height} aria-hidden="true">
        <path className="aiplat-mod-hits" d={ticks(hits, total, height, 0)} />
        <path className="aiplat-mod-errors" d={ticks(errors, total, height, SCROLLBAR_WIDTH / 2)} />
      </svg>
    </div>
  );
}

/** One stroke for each pixel that has a line of `lines`. */
function ticks(lines: readonly number[], total: number, height: number, left: number): string {
  const pixels = new Set(lines.map(line => Math.round(((line - 1) / Math.max(1, total)) * (height - 2)) + 1));
  return [...pixels].map(y => `M${left} ${y}h${SCROLLBAR_WIDTH / 2}`).join('');
}
