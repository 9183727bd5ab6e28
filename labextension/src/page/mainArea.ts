/** The pages of one kind in the main area; each is opened once. */

import type { ILabShell, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { DockLayout, Widget } from '@lumino/widgets';

interface Looks {
  /** Under which name open pages are remembered. */
  readonly namespace: string;
  readonly icon: LabIcon;
}

export class MainArea<W extends Widget = Widget> {
  readonly tracker: WidgetTracker<MainAreaWidget<W>>;

  constructor(
    private readonly shell: JupyterFrontEnd.IShell,
    private readonly labShell: ILabShell | null,
    private readonly looks: Looks
  ) {
    this.tracker = new WidgetTracker({ namespace: looks.namespace });
  }

  find(id: string): MainAreaWidget<W> | undefined {
    return this.tracker.find(page => page.id === id);
  }

  /** Bring the page with this id to the front; where there is none, one with what `make` makes. */
  async show(id: string, make: () => W): Promise<MainAreaWidget<W>> {
    const page = this.find(id) ?? (await this.add(id, make()));
    this.shell.activateById(id);
    return page;
  }

  async add(
    id: string,
    content: W,
    place: { ref?: string; mode?: DockLayout.InsertMode } = {}
  ): Promise<MainAreaWidget<W>> {
    const page = new MainAreaWidget({ content });
    page.id = id;
    page.toolbar.hide();
    page.title.icon = this.looks.icon;
    page.title.closable = true;
    // Notebook 7's main area holds the notebook alone.
    this.shell.add(page, this.labShell === null ? 'right' : 'main', place);
    await this.tracker.add(page);
    return page;
  }

  /** Remember what the page with this id shows. */
  async save(id: string): Promise<void> {
    const page = this.find(id);
    if (page !== undefined) {
      await this.tracker.save(page);
    }
  }
}
