import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { CommandIDs } from '../../commands';
import { aRule, anAlert, aTarget } from '../../testing/alerts';
import { FakePlatform } from '../../testing/platform';
import { problem } from '../../testing/server';
import { AlertsPage, type Tab } from '../AlertsPage';
import { AlertBanner } from '../Banner';
import { AlertsModel } from '../model';

const HOSTILE = '<img src=x onerror="alert(1)"><b>bold</b>';

let platform: FakePlatform;
let model: AlertsModel;
let opened: object[];

beforeEach(() => {
  platform = new FakePlatform();
  platform.rules = [aRule(), aRule({ uid: 'own', preset: '', name: HOSTILE, is_enabled: false })];
  opened = [];
  for (const id of [
    CommandIDs.openExperiment,
    CommandIDs.openTask,
    CommandIDs.openGpus,
    CommandIDs.editRule
  ]) {
    platform.services.commands.addCommand(id, { execute: args => void opened.push({ id, ...args }) });
  }
});

afterEach(() => {
  model.dispose();
  platform.services.events.dispose();
  Notification.manager.dismiss();
});

async function show(tab: Tab = 'alerts'): Promise<void> {
  model = new AlertsModel(platform.services);
  render(<AlertsPage model={model} services={platform.services} tab={tab} onTab={() => undefined} />);
  await waitFor(() => expect(model.history.phase).not.toBe('loading'));
  await waitFor(() => expect(model.shownRules).not.toBeNull());
}

function openRows(): HTMLElement[] {
  return within(screen.getByRole('list', { name: 'Open alerts' })).queryAllByRole('listitem');
}

describe('the page of alerts', () => {
  it('says that all is well, and what watches', async () => {
    await show();
    expect(screen.getByText(/All is well/)).toBeTruthy();
    expect(screen.getByText(/1 rule watches: GPU memory almost full\./)).toBeTruthy();
  });

  it('shows what is open first, then the past, and nothing as markup', async () => {
    platform.alerts = [
      anAlert({ target: aTarget({ label: HOSTILE }), title: HOSTILE, condition: null }),
      anAlert({ uid: 'past', state: 'resolved', resolved_at: 1_700_000_100, acknowledged_at: 1_700_000_200 })
    ];
    await show();
    expect(openRows()).toHaveLength(1);
    expect(openRows()[0]?.textContent).toContain(HOSTILE);
    expect(document.querySelector('.aiplat-AlertsPage img, .aiplat-AlertsPage b')).toBeNull();
    const past = within(screen.getByRole('list', { name: 'History' })).getAllByRole('listitem');
    expect(past).toHaveLength(1);
    expect(past[0]?.textContent).toContain('1m 40s');
  });

  it('tells why a message was not delivered', async () => {
    const deliveries = [{ kind: 'webhook' as const, at: 1, tries: 3, problem: 'HTTP 500' }];
    platform.alerts = [anAlert({ deliveries })];
    await show();
    expect(screen.getByText('✕ Webhook failed: HTTP 500')).toBeTruthy();
  });

  it('leads to what an alert is about, and to its rule', async () => {
    platform.alerts = [
      anAlert(),
      anAlert({ uid: 'b', subject: 'task', target: aTarget({ task: 'task1', label: 'eval' }) })
    ];
    await show();
    await userEvent.click(screen.getByRole('button', { name: 'GPU 0 · box1' }));
    await userEvent.click(screen.getByRole('button', { name: 'eval' }));
    expect(opened).toEqual([
      { id: CommandIDs.openGpus, agent: 'agent0' },
      { id: CommandIDs.openTask, uid: 'task1' }
    ]);
  });

  it('acknowledges one, those that are chosen, or all', async () => {
    platform.alerts = [1, 2, 3].map(n => anAlert({ uid: `a${n}`, target: aTarget({ label: `GPU ${n}` }) }));
    platform.server
      .on('POST alerts/events/a1/acknowledge', anAlert({ uid: 'a1', acknowledged_at: 1 }))
      .on('POST alerts/events/acknowledge', { done: ['a2', 'a3'], failed: {}, freed_bytes: 0 });
    await show();
    await userEvent.click(screen.getByRole('button', { name: 'Acknowledge: GPU 1' }));
    expect(platform.server.calls('POST alerts/events/a1/acknowledge')).toHaveLength(1);
    await userEvent.click(screen.getByRole('checkbox', { name: 'Choose: GPU 2' }));
    act(() => openRows()[2]?.focus());
    fireEvent.keyDown(openRows()[2], { key: ' ' });
    await userEvent.click(screen.getByRole('button', { name: 'Acknowledge 2' }));
    await userEvent.click(await screen.findByRole('button', { name: 'Acknowledge all' }));
    const bodies = platform.server.calls('POST alerts/events/acknowledge').map(({ body }) => body);
    expect(bodies).toEqual([{ uids: ['a2', 'a3'] }, { all: true }]);
  });

  it('is walked through by keyboard', async () => {
    platform.alerts = [1, 2].map(n => anAlert({ uid: `a${n}` }));
    await show();
    act(() => openRows()[0]?.focus());
    await userEvent.keyboard('{ArrowDown}');
    expect(document.activeElement).toBe(openRows()[1]);
    await userEvent.keyboard('{Enter}');
    expect(opened).toEqual([{ id: CommandIDs.openGpus, agent: 'agent0' }]);
  });

  it('asks for what the filters say', async () => {
    platform.alerts = [
      anAlert(),
      anAlert({ uid: 'bad', severity: 'critical', metric: 'lost', subject: 'gpu' })
    ];
    await show();
    await userEvent.selectOptions(screen.getByRole('combobox', { name: 'Severity' }), 'critical');
    await waitFor(() => expect(openRows()).toHaveLength(1));
    await userEvent.selectOptions(screen.getByRole('combobox', { name: 'Subject' }), 'task');
    await screen.findByText('No open alert matches.');
    const last = platform.server.calls('GET alerts/events').at(-1)?.path ?? '';
    expect(last).toContain('severity=critical');
    expect(last).toContain('subject=task');
  });

  it('announces what has come', async () => {
    await show();
    platform.alerts = [anAlert()];
    platform.tell({ topic: 'alerts', kind: 'created', uid: 'alert0' });
    await screen.findByText('warning, firing: GPU 0 · box1: memory at 97 % for 60 sec (limit 95 %)');
  });

  it('says what went wrong, and tries again', async () => {
    platform.server.on('GET alerts/events', () => problem(403, { detail: 'Not for you.' }));
    await show();
    expect(screen.getAllByText(/Not for you\./).length).toBeGreaterThan(0);
    expect(screen.getAllByRole('button', { name: 'Retry' }).length).toBeGreaterThan(0);
  });
});

describe('the rules', () => {
  it('are listed with what they wait for, and switched', async () => {
    const switched = aRule({ uid: 'own', preset: '', name: HOSTILE });
    platform.server.on('PATCH alerts/rules/own', () => {
      platform.rules = platform.rules.map(rule => (rule.uid === 'own' ? switched : rule));
      return switched;
    });
    await show('rules');
    expect(
      screen.getAllByText(/GPU: memory above 95 %, for 60 sec/, { selector: '.aiplat-RuleWhat' })
    ).toHaveLength(2);
    const [own] = screen.getAllByRole('switch');
    await userEvent.click(own);
    expect(platform.server.calls('PATCH alerts/rules/own')[0]?.body).toEqual({ is_enabled: true });
    await waitFor(() => expect(screen.getAllByRole<HTMLInputElement>('switch')[0]?.checked).toBe(true));
  });

  it('go back to what they were when the server refuses', async () => {
    platform.server.on('PATCH alerts/rules/own', () =>
      problem(403, { code: 'forbidden', detail: 'Not yours.' })
    );
    await show('rules');
    await userEvent.click(screen.getAllByRole('switch')[0]);
    await waitFor(() => expect(Notification.manager.notifications[0]?.message).toBe('Not yours.'));
    expect(screen.getAllByRole<HTMLInputElement>('switch')[0]?.checked).toBe(false);
  });
});

describe('the banner', () => {
  it('stands on the page of what fires, and can be acknowledged', async () => {
    model = new AlertsModel(platform.services);
    platform.alerts = [
      anAlert({ subject: 'task', condition: 'failed', target: aTarget({ task: 'task1' }) }),
      anAlert({ uid: 'other', target: aTarget({ task: 'task2' }) })
    ];
    platform.server.on('POST alerts/events/alert0/acknowledge', () => {
      platform.alerts = [];
      platform.tell({ topic: 'alerts', kind: 'updated', uid: 'alert0' });
      return anAlert({ acknowledged_at: 1 });
    });
    render(<AlertBanner about={{ task: 'task1' }} services={platform.services} />);
    await screen.findByText('failed');
    await userEvent.click(screen.getByRole('button', { name: 'Rule…' }));
    expect(opened).toEqual([{ id: CommandIDs.editRule, uid: 'rule0' }]);
    await userEvent.click(screen.getByRole('button', { name: /^Acknowledge/ }));
    await waitFor(() => expect(screen.queryByText('failed')).toBeNull());
  });
});
