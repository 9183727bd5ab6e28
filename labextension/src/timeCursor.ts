/**
 * The moment of an experiment that people look at: a log tells it to curves and curves tell it to logs.
 *
 * It travels as events of the page's document, so that parts that know nothing of each other can join, also those in
 * notebooks, which are bundles of their own.
 */

export interface Moment {
  /** Uid. */
  readonly experiment: string;
  /** Seconds since 1970; null: nobody looks any more. */
  readonly time: number | null;
  /** Who tells it; nobody needs to hear themselves. */
  readonly by: string;
}

const EVENT = 'aiplat:moment';

export function tellMoment(moment: Moment): void {
  document.dispatchEvent(new CustomEvent(EVENT, { detail: moment }));
}

/** Call `onMoment` with the moments of `experiment` that others than `self` tell, until the answer is called. */
export function followMoments(
  experiment: string,
  self: string,
  onMoment: (time: number | null) => void
): () => void {
  const listen = (event: Event): void => {
    const moment = (event as CustomEvent<Moment>).detail;
    if (moment.experiment === experiment && moment.by !== self) {
      onMoment(moment.time);
    }
  };
  document.addEventListener(EVENT, listen);
  return () => document.removeEventListener(EVENT, listen);
}
