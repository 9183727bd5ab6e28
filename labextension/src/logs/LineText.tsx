/** The text of a line, with its colours and with what was searched for marked. It is never markup. */

import type { CSSProperties, JSX } from 'react';

import { runsOf, type Look, type Rgb } from './ansi';
import { inkOf, type Paper } from './contrast';
import type { Span } from './matching';

interface Props {
  readonly text: string;
  /** Null: without colours. */
  readonly paper: Paper | null;
  readonly find: ((text: string) => Span[]) | null;
}

interface Piece {
  readonly text: string;
  readonly look: Look;
  readonly isMarked: boolean;
}

export function LineText({ text, paper, find }: Props): JSX.Element {
  const pieces = piecesOf(text, find);
  return (
    <>
      {pieces.map(({ text, look, isMarked }, i) => {
        const style = paper === null ? undefined : styleOf(look, paper);
        return isMarked ? (
          <mark key={i} style={style && { ...style, color: undefined, background: undefined }}>
            {text}
          </mark>
        ) : style ? (
          <span key={i} style={style}>
            {text}
          </span>
        ) : (
          text
        );
      })}
    </>
  );
}

function piecesOf(text: string, find: Props['find']): Piece[] {
  const runs = runsOf(text);
  const spans = find?.(runs.map(run => run.text).join('')) ?? [];
  let at = 0;
  return runs.flatMap(({ text, look }) => {
    const from = at;
    at += text.length;
    return split(text, from, spans).map(piece => ({ ...piece, look }));
  });
}

/** Cut a run that begins at `from` where marks begin and end. */
function split(text: string, from: number, spans: readonly Span[]): Omit<Piece, 'look'>[] {
  const pieces: Omit<Piece, 'look'>[] = [];
  let done = 0;
  for (const [low, high] of spans) {
    const [start, end] = [Math.max(low - from, done), Math.min(high - from, text.length)];
    if (end > start) {
      pieces.push({ text: text.slice(done, start), isMarked: false });
      pieces.push({ text: text.slice(start, end), isMarked: true });
      done = end;
    }
  }
  pieces.push({ text: text.slice(done), isMarked: false });
  return pieces.filter(piece => piece.text !== '');
}

const css = (colour: Rgb | undefined): string | undefined => colour && `rgb(${colour.join(' ')})`;

function styleOf(look: Look, paper: Paper): CSSProperties | undefined {
  const { fore, back } = inkOf(look, paper);
  const lines = [look.isUnderlined === true && 'underline', look.isStruck === true && 'line-through'];
  const style: CSSProperties = {
    color: css(fore),
    background: css(back),
    fontWeight: look.isBold === true ? 'bold' : undefined,
    fontStyle: look.isItalic === true ? 'italic' : undefined,
    textDecoration: lines.filter(Boolean).join(' ') || undefined
  };
  return Object.values(style).some(value => value !== undefined) ? style : undefined;
}
