import { act, render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { TaskRow } from '../records';
import { PagedList } from '../sidebar/pagedList';
import { FakePlatform } from '../testing/platform';
import { aTaskRow } from '../testing/tasks';
import { RowList } from './RowList';

const ROWS = ['one', 'two', 'three'].map(name => aTaskRow({ uid: name, name }));

let platform: FakePlatform;
let list: PagedList<TaskRow>;
let keys: string[];
let menus: string[];

beforeEach(() => {
  platform = new FakePlatform();
  keys = [];
  menus = [];
});

afterEach(() => {
  list.dispose();
  platform.services.events.dispose();
});

/** Keys that a test presses mean something if they are among `known`. */
async function show(
  rows: readonly TaskRow[],
  known: readonly string[] = [],
  total = rows.length
): Promise<void> {
  const page = { items: [...rows], total, next_cursor: total > rows.length ? 'next' : null };
  list = new PagedList<TaskRow>(
    () => Promise.resolve(page),
    () => undefined
  );
  await list.load();
  render(
    <RowList
      title="Tasks"
      list={list}
      empty={<p>None yet.</p>}
      failure="The tasks could not be loaded."
      rowClass="aiplat-TaskRow"
      onKey={(key, row) => {
        keys.push(`${row.uid}: ${key}`);
        return known.includes(key);
      }}
      onMenu={row => menus.push(row.uid)}
      trans={platform.services.trans}
    >
      {(row, frame) => (
        <div {...frame}>
          {row.name} <button type="button">Stop {row.name}</button>
        </div>
      )}
    </RowList>
  );
}

const focused = (): string | undefined => (document.activeElement as HTMLElement | null)?.dataset.uid;

describe('rows', () => {
  it('have one stop for the tab key, which arrows move', async () => {
    await show(ROWS);
    const stops = (): number[] => screen.getAllByRole('listitem').map(row => row.tabIndex);
    expect(stops()).toEqual([0, -1, -1]);
    await userEvent.tab();
    expect(focused()).toBe('one');
    await userEvent.keyboard('{ArrowDown}{ArrowDown}{ArrowDown}');
    expect(focused()).toBe('three');
    expect(stops()).toEqual([-1, -1, 0]);
    await userEvent.keyboard('{Home}');
    expect(focused()).toBe('one');
    await userEvent.keyboard('{End}{ArrowUp}');
    expect(focused()).toBe('two');
    expect(keys).toEqual([]);
  });

  it('are told other keys, with what is held, and not those that a button in them takes', async () => {
    await show(ROWS, ['Alt+ArrowUp']);
    act(() => screen.getAllByRole('listitem')[1]?.focus());
    await userEvent.keyboard('{Alt>}{ArrowUp}{/Alt}{Control>}{Delete}{/Control}');
    expect(focused()).toBe('two');
    expect(keys.filter(key => !/: (Alt\+)?Alt$|: (Ctrl\+)?Control$/.test(key))).toEqual([
      'two: Alt+ArrowUp',
      'two: Ctrl+Delete'
    ]);
    keys = [];
    act(() => screen.getByRole('button', { name: 'Stop two' }).focus());
    await userEvent.keyboard('{Enter}{ArrowDown}');
    expect(keys).toEqual([]);
    expect(document.activeElement?.textContent).toBe('Stop two');
  });

  it('have a menu', async () => {
    await show(ROWS);
    await userEvent.pointer({ keys: '[MouseRight]', target: screen.getByText(/^three/) });
    expect(menus).toEqual(['three']);
  });

  it('are fetched on request when there are more', async () => {
    await show(ROWS, [], 1203);
    const more = screen.getByRole('button', { name: '1,200 more' });
    await userEvent.click(more);
    await waitFor(() => expect(list.isUnrolled).toBe(true));
  });

  it('may be none', async () => {
    await show([]);
    expect(screen.getByText('None yet.')).toBeTruthy();
  });
});
