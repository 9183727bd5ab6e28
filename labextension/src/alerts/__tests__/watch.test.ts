import { Notification } from '@jupyterlab/apputils';
import { waitFor } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Alert } from '../../records';
import { anAlert, aTarget } from '../../testing/alerts';
import { FakePlatform } from '../../testing/platform';
import { problem } from '../../testing/server';
import { Claims } from '../claims';
import { AlertWatch } from '../watch';

const HOSTILE = '<img src=x onerror="alert(1)">';

let platform: FakePlatform;
let watches: AlertWatch[];

beforeEach(() => {
  platform = new FakePlatform();
  watches = [];
  localStorage.clear();
});

afterEach(() => {
  watches.forEach(watch => watch.dispose());
  platform.services.events.dispose();
  Notification.manager.dismiss();
});

/** A tab is open, and has looked once. */
async function open(): Promise<AlertWatch> {
  const watch = new AlertWatch(platform.services, new Claims(localStorage));
  watches.push(watch);
  const asked = platform.server.calls('GET alerts/events').length;
  await waitFor(() => expect(platform.server.calls('GET alerts/events').length).toBeGreaterThan(asked));
  await settled();
  return watch;
}

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 250));

async function happen(...alerts: Alert[]): Promise<void> {
  const others = platform.alerts.filter(old => alerts.every(alert => alert.uid !== old.uid));
  platform.alerts = [...alerts, ...others];
  alerts.forEach(alert => platform.server.on(`GET alerts/events/${alert.uid}`, alert));
  platform.tell({ topic: 'alerts', kind: 'updated', uid: alerts[0]?.uid ?? '' });
  const asked = platform.server.calls('GET alerts/events').length;
  await waitFor(() => expect(platform.server.calls('GET alerts/events').length).toBeGreaterThan(asked));
  await settled();
}

const shown = (): Notification.INotification[] => Notification.manager.notifications;
const said = (): string[] => shown().map(({ message }) => message);

describe('notifications of alerts', () => {
  it('tell what fires, as bad as it is, and not what fired before the page was opened', async () => {
    platform.alerts = [anAlert({ uid: 'old' })];
    const watch = await open();
    expect(said()).toEqual([]);
    expect(watch.number).toBe(1);
    await happen(anAlert({ uid: 'new', severity: 'critical', target: aTarget({ label: HOSTILE }) }));
    expect(said()).toEqual([`${HOSTILE}: memory at 97 % for 60 sec (limit 95 %)`]);
    expect(shown()[0]).toMatchObject({ type: 'error', options: { autoClose: false } });
    expect(shown()[0]?.options.actions?.map(({ label }) => label)).toEqual([
      'Open',
      'Acknowledge',
      'Silence 1 h'
    ]);
    expect(watch.worst).toBe('critical');
    await happen(anAlert({ uid: 'note', severity: 'info' }));
    const note = shown().find(one => one.type === 'info');
    expect(note).toMatchObject({ type: 'info', options: { autoClose: 8000 } });
  });

  it('come once, however many tabs are open, and not again after a reload', async () => {
    await open();
    await open();
    await happen(anAlert());
    expect(said()).toHaveLength(1);
    watches.forEach(watch => watch.dispose());
    Notification.manager.dismiss();
    await open();
    await happen(anAlert({ value: 98 }));
    expect(said()).toEqual([]);
  });

  it('say when it is over, and go when it was acknowledged', async () => {
    await open();
    await happen(anAlert(), anAlert({ uid: 'other', metric: 'lost' }));
    expect(said()).toHaveLength(2);
    await happen(anAlert({ state: 'resolved', resolved_at: 1_700_000_100 }));
    expect(said().filter(text => text.startsWith('over since'))).toHaveLength(1);
    await happen(
      anAlert({ uid: 'other', metric: 'lost', acknowledged_at: 1_700_000_200, state: 'resolved' })
    );
    expect(said()).toHaveLength(1);
  });

  it('name the rule that is someone’s own, and both where two speak of one thing', async () => {
    await open();
    await happen(anAlert({ target: aTarget({ label: 'GPU 1' }) }));
    expect(said()).toEqual(['GPU 1: memory at 97 % for 60 sec (limit 95 %)']);
    await happen(anAlert({ uid: 'own', preset: '', name: HOSTILE, target: aTarget({ label: 'GPU 2' }) }));
    expect(said()).toContain(`GPU 2: memory at 97 % for 60 sec (limit 95 %) · ${HOSTILE}`);
    const lost = { uid: 'lost', preset: 'gpu_lost', metric: 'lost', target: aTarget({ label: 'GPU 1' }) };
    await happen(anAlert(lost));
    expect(said()).toContain('GPU 1: memory at 97 % for 60 sec (limit 95 %) · GPU memory almost full');
    expect(said()).toContain('GPU 1: lost: it no longer answers on its bus · GPU lost');
    await happen(anAlert({ ...lost, acknowledged_at: 1 }));
    expect(said()).toContain('GPU 1: memory at 97 % for 60 sec (limit 95 %)');
  });

  it('come once more when it gets worse, in the place of the first', async () => {
    await open();
    await happen(anAlert());
    await happen(anAlert({ severity: 'critical', value: 99 }));
    expect(said()).toEqual(['GPU 0 · box1: memory at 99 % for 60 sec (limit 95 %)']);
  });

  it('come again when the rule reminds, not when code raises the same once more', async () => {
    await open();
    await happen(anAlert(), anAlert({ uid: 'code', rule: null, title: 'look', condition: null }));
    expect(said()).toHaveLength(2);
    Notification.manager.dismiss();
    await happen(anAlert({ value: 98 }), anAlert({ uid: 'code', rule: null, title: 'look', count: 2 }));
    expect(said()).toEqual([]);
    await happen(anAlert({ value: 98, count: 2 }));
    expect(said()).toEqual(['GPU 0 · box1: memory at 98 % for 60 sec (limit 95 %)']);
    const [first] = shown();
    await happen(anAlert({ value: 98, count: 3 }));
    expect(shown()).toHaveLength(1);
    expect(shown()[0]?.id).not.toBe(first?.id);
    Notification.manager.dismiss();
    await happen(anAlert({ value: 98, count: 4, acknowledged_at: 1 }));
    expect(said()).toEqual([]);
  });

  it('go with an alert that is not there any more, and do not keep others from being told', async () => {
    await open();
    await happen(anAlert());
    expect(said()).toHaveLength(1);
    platform.alerts = [];
    platform.server.on('GET alerts/events/alert0', () => problem(404, { code: 'not_found' }));
    await happen(anAlert({ uid: 'later', target: aTarget({ label: 'GPU 1' }) }));
    expect(said()).toEqual(['GPU 1: memory at 97 % for 60 sec (limit 95 %)']);
  });

  it('become one when there are many', async () => {
    await open();
    await happen(...[1, 2, 3].map(n => anAlert({ uid: `a${n}` })));
    expect(said()).toHaveLength(3);
    await happen(...[4, 5, 6].map(n => anAlert({ uid: `a${n}`, severity: 'critical' })));
    expect(said()).toEqual(['6 alerts fire: 3 critical, 3 warning']);
    await happen(anAlert({ uid: 'a7', severity: 'info' }));
    expect(said()).toEqual(['7 alerts fire: 3 critical, 3 warning, 1 info']);
    const over = { state: 'resolved', resolved_at: 1 } as const;
    await happen(...[1, 2, 3, 4, 5, 6].map(n => anAlert({ uid: `a${n}`, severity: 'critical', ...over })));
    expect(said()).toEqual(['1 alert fires: 1 info']);
  });

  it('are only those that the reader wants, and none of a silenced rule', async () => {
    platform.services.preferences.choices.alerts satisfies string;
    vi.spyOn(platform.services.preferences, 'choices', 'get').mockReturnValue({
      smoothing: 'none',
      smoothingWeight: 0,
      changes: 'stream',
      alerts: 'critical'
    });
    const watch = await open();
    await happen(anAlert(), anAlert({ uid: 'quiet', severity: 'critical', is_silenced: true }));
    expect(said()).toEqual([]);
    expect(watch.number).toBe(2);
    await happen(anAlert({ uid: 'bad', severity: 'critical' }));
    expect(said()).toHaveLength(1);
  });
});
