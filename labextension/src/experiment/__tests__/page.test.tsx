import { Notification } from '@jupyterlab/apputils';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { Linked } from '../../chart/linked';
import type { Experiment } from '../../records';
import { FakePlatform } from '../../testing/platform';
import { experiment, summary } from '../../testing/records';
import { problem } from '../../testing/server';
import { ExperimentModel } from '../model';
import { Page } from '../Page';
import { DEFAULT_STATE } from '../state';

const DETAILS = {
  notes: 'first try',
  config: { lr: 0.001, optimizer: { name: 'adam', betas: [0.9, 0.999] } },
  summary: { accuracy: 0.9733 },
  provenance: { python: '3.12.1', cell_source: '<script>alert(1)</script>', notebook: 'train.ipynb' },
  lineage: [
    {
      uid: 'a1',
      number: 1,
      parent: null,
      from_step: null,
      status: 'failed',
      cause: 'ValueError',
      started_at: 0,
      ended_at: 60,
      process: null,
      kernel: null
    },
    {
      uid: 'a2',
      number: 2,
      parent: 'a1',
      from_step: 40,
      status: 'finished',
      cause: '',
      started_at: 60,
      ended_at: 90,
      process: null,
      kernel: null
    }
  ],
  attempt: 'a2',
  role: 'owner'
} as const;

let platform: FakePlatform;
let known: Experiment;

beforeEach(() => {
  platform = new FakePlatform();
  known = { ...experiment('mlp', { tags: ['baseline'], attempts: 2 }), ...DETAILS } as unknown as Experiment;
  platform.server
    .on('GET experiments/mlp', () => known)
    .on('GET experiments/mlp/metrics', () => [
      summary(),
      summary({ metric: 'val/loss', last: null }),
      summary({ metric: 'epoch' })
    ]);
});

async function show(): Promise<ExperimentModel> {
  const model = new ExperimentModel('mlp', platform.services);
  render(
    <Page
      model={model}
      services={platform.services}
      linked={new Linked()}
      state={DEFAULT_STATE}
      onState={() => undefined}
    />
  );
  await waitFor(() => expect(model.experiment !== null || model.error !== null).toBe(true));
  return model;
}

describe('the page of an experiment', () => {
  it('shows who it is, how it fares and what belongs to it', async () => {
    await show();
    expect(await screen.findByRole('heading', { name: 'mlp', level: 1 })).toBeTruthy();
    expect(screen.getByText('finished')).toBeTruthy();
    expect(screen.getByText('optimizer.name')).toBeTruthy();
    expect(screen.getByText('[0.9,0.999]')).toBeTruthy();
    expect(screen.getByText('0.9733')).toBeTruthy();
    expect(screen.getByText('first try')).toBeTruthy();
    expect(screen.getByText('ValueError')).toBeTruthy();
    expect(screen.getByText(/from step 40/)).toBeTruthy();
  });

  it('shows what users wrote as text', async () => {
    await show();
    expect((await screen.findByText('<script>alert(1)</script>')).tagName).toBe('PRE');
  });

  it('has a chart for each metric, the headline first, and none for epoch, which is an axis', async () => {
    await show();
    await screen.findByRole('region', { name: 'loss' });
    const charts = screen.getAllByRole('region').map(chart => chart.getAttribute('aria-label'));
    expect(charts).toEqual(['loss', 'val/loss']);
    expect(screen.getByRole('button', { name: /val 1/ })).toBeTruthy();
  });

  it('renames at once and keeps the name', async () => {
    platform.server.on('PATCH experiments/mlp', ({ body }) => (known = { ...known, ...(body as object) }));
    await show();
    const name = await screen.findByRole('heading', { level: 1 });
    fireEvent.keyDown(name, { key: 'F2' });
    const field = screen.getByRole('textbox', { name: 'New name' });
    fireEvent.change(field, { target: { value: 'better' } });
    fireEvent.keyDown(field, { key: 'Enter' });
    expect(screen.getByRole('heading', { name: 'better' })).toBeTruthy();
    await waitFor(() => expect(known.name).toBe('better'));
  });

  it('takes an edit back that the server refuses, and says why', async () => {
    const error = vi.spyOn(Notification, 'error').mockReturnValue('');
    platform.server.on('PATCH experiments/mlp', () =>
      problem(403, { code: 'forbidden', detail: 'Only editors may.' })
    );
    await show();
    const remove = await screen.findByRole('button', { name: 'Remove the tag baseline' });
    fireEvent.click(remove);
    expect(screen.queryByText('baseline')).toBeNull();
    await waitFor(() =>
      expect(error).toHaveBeenCalledWith(expect.stringContaining('Only editors may.'), expect.anything())
    );
    expect(screen.getByRole('button', { name: 'Remove the tag baseline' })).toBeTruthy();
  });

  it('adds a tag once', async () => {
    platform.server.on('PATCH experiments/mlp', ({ body }) => (known = { ...known, ...(body as object) }));
    await show();
    const field = await screen.findByRole('textbox', { name: '+ tag' });
    for (const tag of ['best', 'best', ' ']) {
      fireEvent.change(field, { target: { value: tag } });
      fireEvent.keyDown(field, { key: 'Enter' });
    }
    await waitFor(() => expect(known.tags).toEqual(['baseline', 'best']));
    expect(platform.server.calls('PATCH experiments/mlp').length).toBe(1);
  });

  it('edits notes and forgets them with Esc', async () => {
    platform.server.on('PATCH experiments/mlp', ({ body }) => (known = { ...known, ...(body as object) }));
    await show();
    fireEvent.click(await screen.findByRole('button', { name: 'Edit' }));
    fireEvent.change(screen.getByRole('textbox', { name: 'Notes' }), { target: { value: 'x' } });
    fireEvent.keyDown(screen.getByRole('textbox', { name: 'Notes' }), { key: 'Escape' });
    expect(screen.getByText('first try')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Edit' }));
    fireEvent.change(screen.getByRole('textbox', { name: 'Notes' }), { target: { value: 'second' } });
    fireEvent.click(screen.getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(known.notes).toBe('second'));
  });

  it('offers no edits to viewers', async () => {
    known = { ...known, role: 'viewer', status: 'running' };
    await show();
    await screen.findByText('first try');
    expect(screen.queryByRole('textbox', { name: '+ tag' })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Edit' })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Stop' })).toBeNull();
  });

  it('says that it is in the trash, and takes it out', async () => {
    known = { ...known, lifecycle: 'trashed' };
    platform.server.on('POST experiments/mlp/restore', () => (known = { ...known, lifecycle: 'active' }));
    await show();
    const notice = (await screen.findByText('This experiment is in the trash.')).parentElement!;
    fireEvent.click(within(notice).getByRole('button', { name: 'Restore' }));
    await waitFor(() => expect(screen.queryByText('This experiment is in the trash.')).toBeNull());
  });

  it('explains what is gone for good, and what is not there', async () => {
    platform.server.on('GET experiments/mlp', () => problem(410, { code: 'gone' }));
    const model = await show();
    expect(await screen.findByText('This experiment was deleted for good.')).toBeTruthy();
    platform.server.on('GET experiments/mlp', () => problem(404, { code: 'not_found' }));
    act(() => model.reload());
    expect(await screen.findByText('There is no such experiment, or you may not see it.')).toBeTruthy();
  });

  it('keeps the rest when the metrics fail, and gets them with Retry', async () => {
    platform.server.on('GET experiments/mlp/metrics', () => problem(500, { code: 'error' }));
    await show();
    const card = (await screen.findByText('The list of metrics could not be loaded.')).parentElement!;
    expect(screen.getByText('first try')).toBeTruthy();
    platform.server.on('GET experiments/mlp/metrics', () => [summary()]);
    fireEvent.click(within(card).getByRole('button', { name: 'Retry' }));
    expect(await screen.findByRole('region', { name: 'loss' })).toBeTruthy();
  });

  it('follows the experiment', async () => {
    known = { ...known, status: 'running', ended_at: null };
    await show();
    expect(await screen.findByRole('button', { name: 'Stop' })).toBeTruthy();
    known = { ...known, status: 'failed', cause: 'CUDA out of memory' };
    await waitFor(() => {
      platform.tell({ topic: 'experiment:mlp', kind: 'status', uid: 'mlp' });
      expect(screen.getByText('CUDA out of memory')).toBeTruthy();
    });
    expect(screen.queryByRole('button', { name: 'Stop' })).toBeNull();
  });

  it('keeps what the machine did apart from what was logged', async () => {
    platform.server.on('GET experiments/mlp/metrics', () => [
      summary(),
      summary({ metric: 'system/cpu', context: 'clock', last_step: null }),
      summary({ metric: 'system/memory', context: 'clock', last_step: null })
    ]);
    await show();
    expect(await screen.findByRole('region', { name: 'Machine: CPU and memory' })).toBeTruthy();
    expect(within(await screen.findByRole('complementary')).queryByText('system/cpu')).toBeNull();
    const head = screen.getByRole('button', { name: /System 2$/ });
    expect(head.getAttribute('aria-expanded')).toBe('false');
    fireEvent.click(head);
    expect(await screen.findByRole('region', { name: 'CPU · %' })).toBeTruthy();
  });
});
