/** The strips under the curves of one experiment. */

import { useEffect, useMemo, useState, type JSX } from 'react';

import type { Services } from '../services';
import { useNow } from '../signals';
import type { Linked } from './linked';
import { Strip } from './Strip';
import { isClock, stripsOf, stripTitle, type SystemSeries } from './system';
import type { ChartView } from './view';

interface Props {
  readonly services: Pick<Services, 'api' | 'events' | 'trans'>;
  readonly experiment: string;
  readonly summaries: readonly SystemSeries[];
  readonly view: ChartView;
  readonly live: boolean;
  readonly linked: Linked;
  /** Until when (seconds since 1970) the first reading may be waited for: its room is kept until then. */
  readonly awaited?: number;
}

export function Strips({ summaries, awaited = 0, ...props }: Props): JSX.Element {
  const key = JSON.stringify(stripsOf(summaries));
  const plans = useMemo(() => JSON.parse(key) as ReturnType<typeof stripsOf>, [key]);
  return (
    <>
      {plans.length === 0 && <Room until={awaited} trans={props.services.trans} />}
      {plans.map(plan => (
        <Strip key={stripTitle(plan, props.services.trans)} plan={plan} {...props} />
      ))}
    </>
  );
}

const PACE_MS = 5000;

/** As high as the strip that will come, so that nothing below moves when it does. */
function Room({ until, trans }: { until: number; trans: Services['trans'] }): JSX.Element | null {
  const left = until - useNow();
  return left <= 0 ? null : (
    <section className="aiplat-Chart aiplat-Strip" aria-label={trans.__('Machine')}>
      <header className="aiplat-StripHead">
        <h3>{trans.__('Machine')}</h3>
      </header>
      <div className="aiplat-ChartBody">
        <p className="aiplat-StripEmpty">
          {trans.__('GPU, CPU and memory appear here after some seconds of training.')}
        </p>
      </div>
    </section>
  );
}

/**
 * The series of an experiment, asked for again while there are none of its machine's GPUs; `uid` null: of none. Those that
 * are `known` have their place before the first answer, and without one.
 */
export function useSystem(
  { api, events }: Pick<Services, 'api' | 'events'>,
  uid: string | null,
  known: readonly string[]
): readonly SystemSeries[] {
  const [told, setTold] = useState<readonly SystemSeries[]>([]);
  const expected = useMemo(() => known.map(metric => ({ metric, context: 'clock' })), [known]);
  const isComplete = stripsOf(told).some(({ kind }) => kind !== 'machine');
  useEffect(() => {
    if (uid === null || isComplete) {
      return;
    }
    const controller = new AbortController();
    let asked = -Infinity;
    const ask = (): void => {
      if (performance.now() - asked < PACE_MS) {
        return;
      }
      asked = performance.now();
      // What is wrong where no answer comes is told by the curves.
      api.metrics(uid, controller.signal).then(setTold, () => undefined);
    };
    ask();
    const following = events.follow([`experiment:${uid}`], ask);
    return () => {
      controller.abort();
      following.dispose();
    };
  }, [api, events, uid, isComplete]);
  return told.some(isClock) ? told : expected;
}
