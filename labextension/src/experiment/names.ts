/** Names and states of the experiments that are drawn beside the page's own. */

import { useEffect, useState } from 'react';

import type { ExperimentRow } from '../records';
import type { Services } from '../services';
import { isLive } from '../status';

export interface Companions {
  readonly names: ReadonlyMap<string, string>;
  /** At least one still gets points. */
  readonly live: boolean;
}

/** Ask for what is not known yet of `uids`; one that cannot be had keeps its uid for a name. */
export function useCompanions(
  { api, events }: Pick<Services, 'api' | 'events'>,
  uids: readonly string[]
): Companions {
  const [rows, setRows] = useState<ReadonlyMap<string, ExperimentRow>>(new Map());
  const key = uids.join(' ');
  useEffect(() => {
    const controller = new AbortController();
    const wanted = key.split(' ').filter(Boolean);
    const ask = async (uid: string): Promise<void> => {
      const row = await api.experiment(uid, controller.signal).catch(() => null);
      if (row) {
        setRows(known => new Map(known).set(uid, row));
      }
    };
    wanted.forEach(uid => void ask(uid));
    const topics = wanted.map(uid => `experiment:${uid}`);
    const following = events.follow(topics, news => {
      if (news === 'resync') {
        wanted.forEach(uid => void ask(uid));
      } else if (news.kind !== 'points') {
        void ask(news.uid);
      }
    });
    return () => {
      controller.abort();
      following.dispose();
    };
  }, [api, events, key]);
  return {
    names: new Map(uids.map(uid => [uid, rows.get(uid)?.name ?? uid])),
    live: uids.some(uid => isLive(rows.get(uid)?.status ?? 'finished'))
  };
}
