/** The first steps: a tutorial notebook if there is one, else a new notebook with the ten lines in it. */

import type { Contents } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';
import type { CommandRegistry } from '@lumino/commands';

import { QUICKSTART } from './snippets';

const TUTORIALS = ['notebooks/01_quickstart.ipynb', '01_quickstart.ipynb'];

/** Open the quickstart. */
export async function openQuickstart(contents: Contents.IManager, commands: CommandRegistry): Promise<void> {
  const path = (await firstOf(TUTORIALS, contents)) ?? (await createNotebook(contents));
  await commands.execute('docmanager:open', { path });
}

/** Put the ten lines into a new cell below the active one of the notebook that is open, or into a new notebook. */
export async function insertQuickstart(
  contents: Contents.IManager,
  commands: CommandRegistry
): Promise<void> {
  if (commands.isEnabled('notebook:insert-cell-below')) {
    await commands.execute('notebook:insert-cell-below');
    await commands.execute('notebook:replace-selection', { text: QUICKSTART });
  } else {
    await commands.execute('docmanager:open', { path: await createNotebook(contents) });
  }
}

async function firstOf(paths: readonly string[], contents: Contents.IManager): Promise<string | null> {
  for (const path of paths) {
    try {
      return (await contents.get(path, { content: false })).path;
    } catch (reason) {
      if (!(reason instanceof ServerConnection.ResponseError && reason.response.status === 404)) {
        throw reason;
      }
    }
  }
  return null;
}

async function createNotebook(contents: Contents.IManager): Promise<string> {
  const { path } = await contents.newUntitled({ type: 'notebook' });
  const cell = { cell_type: 'code', source: QUICKSTART, metadata: {}, outputs: [], execution_count: null };
  const content = { cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 4 };
  await contents.save(path, { type: 'notebook', format: 'json', content });
  return path;
}
