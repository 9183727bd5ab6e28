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
const QUESTION = 'aiplat:moment-wanted';

/** Whether anybody but `self` follows the moments of `experiment`, so that it is worth finding them out. */
export function isMomentWanted(experiment: string, self: string): boolean {
  const detail: Omit<Moment, 'time'> = { experiment, by: self };
  return !document.dispatchEvent(new CustomEvent(QUESTION, { detail, cancelable: true }));
}

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
  const answer = (event: Event): void => {
    const asked = (event as CustomEvent<Omit<Moment, 'time'>>).detail;
    if (asked.experiment === experiment && asked.by !== self) {
      event.preventDefault();
    }
  };
  document.addEventListener(EVENT, listen);
  document.addEventListener(QUESTION, answer);
  return () => {
    document.removeEventListener(EVENT, listen);
    document.removeEventListener(QUESTION, answer);
  };
}
