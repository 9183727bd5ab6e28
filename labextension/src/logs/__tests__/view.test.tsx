import { cleanup, act, fireEvent, render, screen, within } from '@testing-library/react';
import userEvent, { type UserEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../errors';
import { ENGLISH, FakeLog, SomeSize } from '../../testing/logs';
import { followMoments, tellMoment } from '../../timeCursor';
import { Log } from '../log';
import { LogView } from '../LogView';
import { NO_CHOICE, type Choice } from '../model';
import type { Level } from '../source';

let fake: FakeLog;
let log: Log;
let copied: string[];

beforeEach(() => {
  document.documentElement.lang = 'en';
  vi.stubGlobal('ResizeObserver', SomeSize);
  fake = new FakeLog();
  copied = [];
});

afterEach(() => {
  log.dispose();
  vi.unstubAllGlobals();
});

/** Let everything that is under way come to its end. */
const settle = (milliseconds = 150): Promise<void> =>
  act(() => new Promise<void>(resolve => setTimeout(resolve, milliseconds)));

async function show(choice: Partial<Choice> = {}, line?: number): Promise<UserEvent> {
  const user = userEvent.setup();
  vi.spyOn(navigator.clipboard, 'writeText').mockImplementation(text => {
    copied.push(text);
    return Promise.resolve();
  });
  log = new Log(fake, { ...NO_CHOICE, ...choice }, line);
  render(<LogView log={log} trans={ENGLISH} />);
  await settle();
  return user;
}

const rows = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('.aiplat-LogRow')];
const numbers = (): number[] =>
  rows().flatMap(row => (row.dataset.line === undefined ? [] : [Number(row.dataset.line)]));
const marked = (): string => document.querySelector<HTMLElement>('.aiplat-mod-marked')?.dataset.line ?? '';
const lines = (): HTMLElement => screen.getByRole('log');
const isFollowing = (): boolean => log.reading.isFollowing;

async function press(...keys: string[]): Promise<void> {
  for (const key of keys) {
    fireEvent.keyDown(lines(), { key });
    await settle(120);
  }
}

async function wheel(deltaY: number): Promise<void> {
  fireEvent.wheel(document.querySelector('.aiplat-LogLines')!, { deltaY });
  await settle(120);
}

async function write(...made: string[]): Promise<void> {
  act(() => void fake.write(...made));
  await settle(250);
}

const everyHundredth = (number: number): Level | null => (number % 100 === 0 ? 'ERROR' : null);

describe('reading', () => {
  it('draws a bounded number of rows of any log', async () => {
    fake.fill(50_000);
    await show();
    expect(rows().length).toBeLessThan(60);
    expect(numbers().at(-1)).toBe(50_000);
    await press('Home');
    expect(numbers()[0]).toBe(1);
    expect(rows().length).toBeLessThan(60);
  });

  it('follows the end', async () => {
    fake.fill(100);
    await show();
    await write('fresh');
    expect(screen.getByText('fresh')).toBeTruthy();
    expect(screen.queryByTitle('To the end (End)')).toBeNull();
  });

  it('stays where the reader scrolled to, counts what is new, and goes on at the end again', async () => {
    fake.fill(200);
    const user = await show();
    await wheel(-100);
    expect(isFollowing()).toBe(false);
    const { place } = log.reading;
    await write('new 1', 'new 2');
    expect(log.reading.place).toEqual(place);
    act(() => screen.getByRole('button', { name: /2 new/ }).focus());
    await user.keyboard('{Enter}');
    await settle();
    expect(lines()).toBe(document.activeElement);
    expect(screen.getByText('new 2')).toBeTruthy();
    expect(isFollowing()).toBe(true);
  });

  it('follows again when the reader comes down to the last line', async () => {
    fake.fill(200);
    await show();
    await wheel(-40);
    expect(isFollowing()).toBe(false);
    await wheel(400);
    expect(isFollowing()).toBe(true);
  });

  it('does not move while something is selected', async () => {
    fake.fill(200);
    await show();
    const text = rows().at(-3)!.querySelector('.aiplat-LogText')!;
    vi.spyOn(document, 'getSelection').mockReturnValue({ isCollapsed: false, anchorNode: text } as never);
    fireEvent(document, new Event('selectionchange'));
    const { place } = log.reading;
    await write('new');
    expect(isFollowing()).toBe(false);
    expect(log.reading.place).toEqual(place);
  });

  it('shows the last state of a line that is being drawn over', async () => {
    fake.write('start').write({ text: '10%', folded: 9 });
    await show();
    fake.lines[1] = { ...fake.lines[1], text: '20%', folded: 811 };
    act(() => fake.tell('grew'));
    await settle(250);
    expect(screen.getByText('20%')).toBeTruthy();
    expect(screen.getByText('812 updates')).toBeTruthy();
    expect(screen.queryByText('10%')).toBeNull();
  });

  it('says that the job emptied its log, and begins anew', async () => {
    fake.fill(5000);
    await show({}, 3000);
    expect(marked()).toBe('3000');
    act(() => fake.truncate('after'));
    await settle(250);
    expect(screen.getByText('after')).toBeTruthy();
    expect(numbers()).toEqual([1]);
    expect(screen.getByText(/emptied its log/)).toBeTruthy();
  });

  it('goes to a line by its number, and by keys', async () => {
    fake.fill(1000);
    const user = await show();
    await press('g');
    await user.keyboard('500{Enter}');
    await settle();
    expect(marked()).toBe('500');
    expect(numbers()[0]).toBeLessThan(500);
    await press('PageDown');
    expect(log.reading.first).toBeGreaterThan(500);
    await press('End');
    expect(isFollowing()).toBe(true);
  });

  it('never makes markup of text', async () => {
    fake.write('<img src=x onerror=alert(1)> \x1b[31m<b>red</b>\x1b[0m');
    await show();
    expect(document.querySelector('.aiplat-LogText img, .aiplat-LogText b')).toBeNull();
    expect(screen.getByText('<b>red</b>').style.color).not.toBe('');
  });

  it('gives colours up on request', async () => {
    fake.write('\x1b[31mred\x1b[0m');
    const user = await show();
    await user.click(screen.getByRole('button', { name: 'colours' }));
    expect(screen.getByText('red').style.color).toBe('');
  });
});

describe('levels', () => {
  it('say what they hide, and take it back with one click', async () => {
    fake.fill(1000, everyHundredth);
    const user = await show();
    await user.click(screen.getByRole('radio', { name: 'ERROR 10' }));
    await settle(250);
    expect(numbers()).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
    const hidden = screen.getByText(/990 lines hidden/);
    expect(hidden.closest('.aiplat-LogBar')).toBeNull();
    await user.click(within(hidden).getByRole('button', { name: 'Show all' }));
    await settle(250);
    expect(screen.queryByText(/lines hidden/)).toBeNull();
    expect(lines()).toBe(document.activeElement);
    expect(numbers()).toContain(999);
  });

  it('show five lines around those that match', async () => {
    fake.fill(1000, number => (number === 500 ? 'ERROR' : null));
    const user = await show({ level: 'ERROR' });
    await user.click(screen.getByRole('button', { name: 'context' }));
    await settle(250);
    expect(numbers()).toEqual([495, 496, 497, 498, 499, 500, 501, 502, 503, 504, 505]);
  });

  it('lead from error to error, a traceback being one, and round the end', async () => {
    fake.fill(300).write({ text: 'boom', level: 'ERROR' }).fill(300);
    const group = fake.lines.length + 1;
    fake.write(
      ...Array.from({ length: 20 }, (_, i) => ({ text: `frame ${i}`, level: 'ERROR' as const, group }))
    );
    fake.fill(300);
    await show();
    await press('Home', 'e');
    expect(marked()).toBe('301');
    await press('e');
    expect(marked()).toBe('602');
    expect(screen.getByText('▸ 13 more lines of this traceback')).toBeTruthy();
    await press('e');
    expect(marked()).toBe('301');
    expect(screen.getByText(/Gone round the end/)).toBeTruthy();
    await press('E');
    expect(marked()).toBe('602');
  });

  it('say when there is no error', async () => {
    fake.fill(10);
    await show();
    await press('e');
    expect(screen.getByText(/no error/)).toBeTruthy();
  });

  it('unfold a traceback', async () => {
    fake.write(
      ...Array.from({ length: 20 }, (_, i) => ({ text: `frame ${i}`, level: 'ERROR' as const, group: 1 }))
    );
    const user = await show();
    expect(numbers()).toHaveLength(7);
    await user.click(screen.getByText('▸ 13 more lines of this traceback'));
    expect(numbers()).toHaveLength(20);
    await user.click(screen.getByText('▾ fold'));
    expect(numbers()).toHaveLength(7);
  });
});

describe('searching', () => {
  async function search(user: ReturnType<typeof userEvent.setup>, text: string): Promise<void> {
    await user.type(screen.getByRole('textbox', { name: 'Search the log' }), text);
    await settle(450);
  }

  it('counts all hits, goes from one to the next, and says when it goes round', async () => {
    fake.fill(1000);
    const user = await show();
    await search(user, 'line 99');
    expect(screen.getByText('11 of 11')).toBeTruthy();
    expect(marked()).toBe('999');
    expect(isFollowing()).toBe(false);
    await user.keyboard('{Enter}');
    await settle();
    expect(screen.getByText('1 of 11, on from the start')).toBeTruthy();
    expect(marked()).toBe('99');
    await user.keyboard('{Shift>}{Enter}{/Shift}');
    await settle();
    expect(marked()).toBe('999');
    await press('N');
    expect(marked()).toBe('998');
    expect(document.querySelector('.aiplat-mod-marked mark')?.textContent).toBe('line 99');
  });

  it('looks for further hits behind the last one when the log has grown, and else goes round', async () => {
    fake.fill(1000);
    const user = await show();
    await search(user, 'line 99');
    await write('nothing of the kind');
    await user.keyboard('{Enter}');
    await settle(300);
    expect(marked()).toBe('99');
    await user.keyboard('{Shift>}{Enter}{/Shift}');
    await settle();
    await write('line 99 again');
    await user.keyboard('{Enter}');
    await settle(300);
    expect(marked()).toBe('1002');
  });

  it('steps on from where the reader is, among more hits than are told', async () => {
    fake.fill(30_000);
    const user = await show();
    await search(user, 'line');
    expect(screen.getByText('30,000 of 30,000')).toBeTruthy();
    expect(marked()).toBe('30000');
    await press('Home', 'n');
    expect(screen.getByText('1 of 30,000')).toBeTruthy();
    expect(marked()).toBe('1');
    await press('n');
    expect(marked()).toBe('2');
    act(() => log.reading.go(20_000));
    await press('n');
    expect(screen.getByText('20,000 of 30,000')).toBeTruthy();
    await press('N');
    expect(marked()).toBe('19999');
    await press('Home', 'N');
    await settle();
    expect(screen.getByText('30,000 of 30,000, on from the end')).toBeTruthy();
    expect(fake.searched.map(one => one.from_line)).toEqual([30_000, 1, 20_000, 2 ** 50 + 1]);
  });

  it('opens the traceback in which it finds something', async () => {
    fake.write(
      ...Array.from({ length: 20 }, (_, i) => ({ text: `frame ${i}`, level: 'ERROR' as const, group: 1 }))
    );
    const user = await show();
    await search(user, 'frame 12');
    expect(marked()).toBe('13');
  });

  it('says what is wrong with an expression', async () => {
    fake.fill(10);
    const user = await show();
    await user.click(screen.getByRole('button', { name: 'Regular expression' }));
    await search(user, '(');
    expect(screen.getByText('A group is not closed.')).toBeTruthy();
  });

  it('is ended by Escape', async () => {
    fake.fill(100);
    const user = await show();
    await search(user, 'line');
    await user.keyboard('{Escape}');
    expect(screen.queryByText(/of 100/)).toBeNull();
    expect(document.activeElement).toBe(lines());
  });
});

describe('lines', () => {
  it('have links with their number and attempt', async () => {
    fake.fill(30);
    const user = await show();
    await user.click(screen.getByRole('button', { name: '25' }));
    await settle();
    expect(copied).toEqual(['/lab?attempt=a1#L25']);
    expect(marked()).toBe('25');
  });

  it('are copied without what is around them', async () => {
    fake.write('\x1b[1mbold\x1b[0m text');
    const user = await show();
    await user.click(screen.getByRole('button', { name: 'Copy this line' }));
    expect(copied).toEqual(['bold text']);
  });

  it('that are cut are shown whole on request', async () => {
    fake.write({ text: 'long', cut: 5_000_000 });
    const user = await show();
    await user.click(screen.getByRole('button', { name: /show all \(5 MB more\)/ }));
    await settle();
    expect(screen.getByText('long and the rest')).toBeTruthy();
  });

  it('share their time with the curves of the experiment', async () => {
    fake.experiment = 'x1';
    fake.write(...Array.from({ length: 300 }, (_, i) => ({ text: `line ${i}`, time: 1_700_000_000 + i })));
    const user = await show();
    const told: (number | null)[] = [];
    const stop = followMoments('x1', 'chart', time => told.push(time));
    await press('t');
    await user.click(screen.getAllByRole('button', { name: /^\d\d:\d\d:\d\d$/ }).at(-1)!);
    expect(told).toEqual([1_700_000_299]);
    tellMoment({ experiment: 'x1', time: 1_700_000_050, by: 'chart' });
    await settle();
    expect(isFollowing()).toBe(true);
    await user.click(screen.getByRole('button', { name: 'with curves' }));
    tellMoment({ experiment: 'x1', time: 1_700_000_050, by: 'chart' });
    await settle();
    expect(marked()).toBe('51');
    stop();
  });
});

describe('states', () => {
  it('say that there is nothing yet', async () => {
    await show();
    expect(screen.getByText(/No output yet/)).toBeTruthy();
    await write('first');
    expect(screen.queryByText(/No output yet/)).toBeNull();
  });

  it('tell a task that wrote nothing from a log that is gone', async () => {
    fake.isComplete = true;
    await show();
    expect(screen.getByText('The task wrote nothing.')).toBeTruthy();
    cleanup();
    fake.isRemoved = true;
    await show();
    expect(screen.getByText(/^This log is no longer there/)).toBeTruthy();
  });

  it('have the shape of a log while it loads', async () => {
    fake.gate = new Promise(() => undefined);
    await show();
    await settle(200);
    expect(screen.getByRole('status', { name: 'Loading the log' })).toBeTruthy();
  });

  it('say what failed and try again', async () => {
    fake.fill(3).error = new ApiError({ code: 'not_found', status: 404, detail: 'There is no task.' });
    const user = await show();
    expect(screen.getByRole('alert').textContent).toContain('There is no task.');
    fake.error = null;
    await user.click(screen.getByRole('button', { name: 'Retry' }));
    await settle();
    expect(numbers()).toEqual([1, 2, 3]);
  });

  it('keep the lines when news stop coming, and say since when', async () => {
    fake.fill(3);
    await show();
    act(() => fake.setLink('lost'));
    expect(screen.getByText(/stale since/)).toBeTruthy();
    expect(numbers()).toEqual([1, 2, 3]);
  });

  it('are those of the chosen attempt and file', async () => {
    fake.fill(3);
    fake.attempts = ['a0', 'a1'];
    fake.streams = ['out', 'rank1'];
    const user = await show();
    await user.selectOptions(screen.getByRole('combobox', { name: 'Attempt' }), 'a0');
    await user.selectOptions(screen.getByRole('combobox', { name: 'Output of' }), 'rank1');
    await settle();
    expect(fake.asked.at(-1)).toMatchObject({ attempt: 'a0', stream: 'rank1' });
  });

  it('tell that a new attempt has begun', async () => {
    fake.fill(3);
    await show();
    fake.attempt = 'a2';
    fake.lines = [];
    act(() => void fake.write('again'));
    await settle(250);
    expect(numbers()).toEqual([1]);
    expect(screen.getByText(/A new attempt has begun/)).toBeTruthy();
  });
});
