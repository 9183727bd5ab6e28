import { act, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { ENGLISH, FakeLog, SomeSize } from '../../testing/logs';
import { Log } from '../log';
import { LogView } from '../LogView';

let fake: FakeLog;
let log: Log;

beforeEach(() => {
  document.documentElement.lang = 'en';
  vi.stubGlobal('ResizeObserver', SomeSize);
  fake = new FakeLog();
});

afterEach(() => {
  log.dispose();
  vi.unstubAllGlobals();
});

/** Let everything that is under way come to its end. */
const settle = (milliseconds = 150): Promise<void> =>
  act(() => new Promise<void>(resolve => setTimeout(resolve, milliseconds)));

async function show(): Promise<ReturnType<typeof userEvent.setup>> {
  log = new Log(fake);
  render(<LogView log={log} trans={ENGLISH} />);
  await settle();
  return userEvent.setup();
}

const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('.aiplat-LogRow')];
const numbers = (): number[] =>
  rows().flatMap(row => (row.dataset.line === undefined ? [] : [Number(row.dataset.line)]));

describe('lines', () => {
  it('tell whose each line is where ranks are mixed, and are those of all ranks if the console is empty', async () => {
    fake.streams = ['*', 'out', 'torch/0/stderr', 'torch/12/stderr'];
    fake.empty = ['out'];
    fake.write(
      { text: 'a', stream: 'torch/0/stderr', rank: 0 },
      { text: 'b', stream: 'torch/12/stderr', rank: 12 }
    );
    await show();
    await settle();
    expect(screen.getByRole('option', { name: 'All ranks (2)', selected: true })).toBeTruthy();
    const ranks = [...document.querySelectorAll<HTMLElement>('.aiplat-LogRank')];
    expect(ranks.map(({ textContent, title }) => [textContent, title])).toEqual([
      ['r0', 'Rank 0: torch/0/stderr'],
      ['r12', 'Rank 12: torch/12/stderr']
    ]);
  });

  it('go over to all ranks when a launcher has spoken, but not under the eyes of who reads back', async () => {
    fake.fill(8);
    await show();
    act(() => log.reading.toStart());
    fake.streams = ['*', 'out', 'rank0', 'rank1'];
    act(() => void fake.write('more'));
    await settle(250);
    expect(screen.getByRole('combobox', { name: 'Output of' })).toHaveProperty('value', 'out');
    act(() => log.reading.toEnd());
    act(() => void fake.write('more'));
    await settle(350);
    expect(screen.getByRole('combobox', { name: 'Output of' })).toHaveProperty('value', '*');
  });

  it('stay those of a console that is being read, or that was chosen', async () => {
    fake.fill(30);
    const user = await show();
    fake.streams = ['*', 'out', 'rank0', 'rank1'];
    act(() => void fake.write('more'));
    await settle(250);
    const output = screen.getByRole('combobox', { name: 'Output of' });
    expect(output).toHaveProperty('value', 'out');
    expect(document.querySelector('.aiplat-LogRank')).toBeNull();
    await user.selectOptions(output, '*');
    await user.selectOptions(screen.getByRole('combobox', { name: 'Output of' }), 'out');
    fake.empty = ['out'];
    fake.truncate();
    await settle(250);
    expect(screen.getByRole('combobox', { name: 'Output of' })).toHaveProperty('value', 'out');
  });

  it('are those of the console when a further attempt has not the file that was chosen, and say so', async () => {
    fake.fill(3);
    fake.streams = ['*', 'out', 'rank0', 'rank1'];
    const user = await show();
    await user.selectOptions(screen.getByRole('combobox', { name: 'Output of' }), 'rank1');
    await settle();
    fake.streams = ['out'];
    act(() => void fake.write('again'));
    await settle(350);
    expect(numbers()).toEqual([1, 2, 3, 4]);
    expect(screen.getByText(/no such file/)).toBeTruthy();
  });
});
