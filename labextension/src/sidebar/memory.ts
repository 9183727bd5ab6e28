/** What the sidebar remembers of one visit for the next: which sections and projects are open. */

import type { IStateDB } from '@jupyterlab/statedb';

import type { SidebarModel } from './model';

const KEY = 'aiplat-jupyter:sidebar';
const MOST = 200;

/** Open what was open when the page was last here, and keep note of it from now on. */
export async function remember(model: SidebarModel, state: IStateDB): Promise<void> {
  const saved = await state.fetch(KEY);
  const open = (saved as { open?: unknown } | undefined)?.open;
  if (Array.isArray(open)) {
    model.expandOnly(open.filter(key => typeof key === 'string'));
  }
  model.expandedChanged.connect((_, keys) => void state.save(KEY, { open: keys.slice(-MOST) }));
}
