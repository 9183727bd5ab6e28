/** Names in little room. */

import type { JSX } from 'react';

const LONG = 12;
const END = 6;
const letters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** A name that loses its middle when there is little room: the names of runs differ at their ends. */
export function Cut({ text }: { text: string }): JSX.Element {
  const end = endOf(text);
  return (
    <span className="aiplat-Cut">
      <span className="aiplat-CutStart">{text.slice(0, text.length - end.length)}</span>
      {end !== '' && <span className="aiplat-CutEnd">{end}</span>}
    </span>
  );
}

/** The last letters of a long text; empty for a short one. */
export function endOf(text: string): string {
  const all = Array.from(letters.segment(text), ({ segment }) => segment);
  return all.length > LONG ? all.slice(-END).join('') : '';
}
