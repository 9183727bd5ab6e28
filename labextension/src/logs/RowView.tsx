/** One row of the view. */

import { memo, type JSX } from 'react';

import { bytes, count, exactTime } from '../format';
import { locale } from '../locale';
import { plainText } from './ansi';
import type { Paper } from './contrast';
import { LineText } from './LineText';
import type { Span } from './matching';
import type { Row } from './rows';
import type { LogLine } from './source';
import type { Trans } from './words';

/** What a row can be asked to do; the same object for all rows as long as the view lives. */
export interface RowActions {
  link: (number: number) => void;
  copy: (text: string) => void;
  showWhole: (number: number) => void;
  toggle: (group: number) => void;
  /** Null: there are no curves. */
  moment: ((time: number) => void) | null;
}

export interface RowProps {
  readonly row: Row;
  readonly whole: string | undefined;
  readonly isMarked: boolean;
  readonly isHit: boolean;
  readonly isOpen: boolean;
  readonly hasTimes: boolean;
  readonly hasRanks: boolean;
  readonly paper: Paper | null;
  readonly find: ((text: string) => Span[]) | null;
  readonly actions: RowActions;
  readonly trans: Trans;
}

export const RowView = memo(
  function RowView(props: RowProps): JSX.Element {
    const { row } = props;
    return row.kind === 'line' ? (
      <LineRow {...props} row={row} />
    ) : row.kind === 'fold' ? (
      <FoldRow {...props} row={row} />
    ) : (
      <BlankRow {...props} row={row} />
    );
  },
  (one, other) =>
    isSameRow(one.row, other.row) &&
    (Object.keys(one) as (keyof RowProps)[]).every(name => name === 'row' || one[name] === other[name])
);

/** Lengths of lines that are still to come, in characters. */
const WIDTHS = [52, 38, 61, 45, 24, 56, 34, 48, 29, 66, 41, 58];

/** A line that is still to come; of a level, where nobody knows how many there are, it stands for all that follow. */
function BlankRow({ row, hasRanks }: RowProps & { row: Row & { kind: 'blank' } }): JSX.Element {
  const isGap = row.of === 'chosen';
  const names = [
    'aiplat-LogRow aiplat-mod-blank',
    isGap && (row.isBackward ? 'aiplat-mod-above' : 'aiplat-mod-below')
  ];
  return (
    <div className={names.filter(Boolean).join(' ')} aria-hidden="true">
      <span className="aiplat-LogNumber">{isGap ? '' : row.number}</span>
      {hasRanks && <span className="aiplat-LogRank" />}
      <span className="aiplat-LogBlank" style={{ width: `${WIDTHS[row.number % WIDTHS.length]}ch` }} />
    </div>
  );
}

function isSameRow(one: Row, other: Row): boolean {
  if (one.kind === 'line' && other.kind === 'line') {
    return one.line === other.line && one.isContext === other.isContext;
  }
  if (one.kind === 'fold' && other.kind === 'fold') {
    return one.number === other.number && one.to === other.to;
  }
  return one.kind === other.kind && one.number === other.number;
}

type LineProps = RowProps & { readonly row: Row & { kind: 'line' } };

function LineRow(props: LineProps): JSX.Element {
  const { row, isMarked, isHit, isOpen, hasTimes, hasRanks, actions, trans } = props;
  const { line, number, isContext } = row;
  const names = ['aiplat-LogRow', isMarked && 'aiplat-mod-marked', isHit && 'aiplat-mod-hit'];
  return (
    <div
      className={[...names, isContext && 'aiplat-mod-context'].filter(Boolean).join(' ')}
      data-level={line.level ?? undefined}
      data-line={number}
    >
      <button
        type="button"
        tabIndex={-1}
        className="aiplat-LogNumber"
        title={trans.__('Copy a link to this line')}
        onClick={() => actions.link(number)}
      >
        {number}
      </button>
      {hasRanks && <Rank line={line} trans={trans} />}
      {hasTimes && <Time line={line} actions={actions} trans={trans} />}
      <Content {...props} />
      {isOpen && line.group === number && (
        <button type="button" tabIndex={-1} className="aiplat-LogMore" onClick={() => actions.toggle(number)}>
          {trans.__('▾ fold')}
        </button>
      )}
    </div>
  );
}

function Content({ row, whole, paper, find, actions, trans }: LineProps): JSX.Element {
  const { line, number } = row;
  const text = whole ?? line.text;
  return (
    <>
      <span className="aiplat-LogText">
        <LineText text={text} paper={paper} find={find} />
        {'\n'}
      </span>
      {(line.folded ?? 0) > 0 && (
        <span
          className="aiplat-LogBadge"
          title={trans.__('Drawn over by carriage returns; the last state is shown')}
        >
          {trans.__('%1 updates', count((line.folded ?? 0) + 1))}
        </span>
      )}
      {(line.cut ?? 0) > 0 && whole === undefined && (
        <button
          type="button"
          tabIndex={-1}
          className="aiplat-LogMore"
          onClick={() => actions.showWhole(number)}
        >
          {trans.__('… show all (%1 more)', bytes(line.cut ?? 0))}
        </button>
      )}
      <button
        type="button"
        tabIndex={-1}
        className="aiplat-LogCopy"
        title={trans.__('Copy this line')}
        aria-label={trans.__('Copy this line')}
        onClick={() => actions.copy(plainText(text))}
      >
        ⧉
      </button>
    </>
  );
}

function Time({ line, actions, trans }: { line: LogLine; actions: RowActions; trans: Trans }): JSX.Element {
  const { moment } = actions;
  if (line.time == null) {
    return <span className="aiplat-LogTime" />;
  }
  const { time } = line;
  const text = new Date(time * 1000).toLocaleTimeString(locale(), { hour12: false });
  return moment ? (
    <button
      type="button"
      tabIndex={-1}
      className="aiplat-LogTime"
      title={trans.__('%1: show it in the curves', exactTime(time))}
      onClick={() => moment(time)}
    >
      {text}
    </button>
  ) : (
    <span className="aiplat-LogTime" title={exactTime(time)}>
      {text}
    </span>
  );
}

function Rank({ line: { rank, stream }, trans }: { line: LogLine; trans: Trans }): JSX.Element {
  return rank == null ? (
    <span className="aiplat-LogRank" />
  ) : (
    <span className="aiplat-LogRank" title={trans.__('Rank %1: %2', rank, stream ?? '')}>
      r{rank}
    </span>
  );
}

function FoldRow({
  row,
  hasTimes,
  hasRanks,
  actions,
  trans
}: RowProps & { row: Row & { kind: 'fold' } }): JSX.Element {
  const hidden = row.to - row.number + 1;
  return (
    <div className="aiplat-LogRow aiplat-mod-fold" data-level="ERROR">
      <span className="aiplat-LogNumber">⋯</span>
      {hasRanks && <span className="aiplat-LogRank" />}
      {hasTimes && <span className="aiplat-LogTime" />}
      <button
        type="button"
        tabIndex={-1}
        className="aiplat-LogMore"
        onClick={() => actions.toggle(row.group)}
      >
        {trans.__('▸ %1 more lines of this traceback', count(hidden))}
      </button>
    </div>
  );
}
