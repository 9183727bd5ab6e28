/** What GPUs add to JupyterLab: their page in the main area. */

import type { ILabShell, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { gpuIcon } from '../icons';
import type { Services } from '../services';
import type { GpuWidget } from './widget';

export type GpuPageWidget = MainAreaWidget<GpuWidget>;

const ID = 'aiplat-gpus';

/** The page of GPUs and machines; there is one. */
export class GpuPages {
  readonly tracker = new WidgetTracker<GpuPageWidget>({ namespace: 'aiplat-gpus' });

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly labShell: ILabShell | null,
    private readonly services: Services
  ) {}

  /** Show the page, with the machine of `agent` if one is named; `saved` is its content's `saved` of an earlier session. */
  async open(agent: string | null, saved: unknown): Promise<GpuPageWidget> {
    const page = this.tracker.find(other => other.id === ID) ?? (await this.create(saved));
    if (agent !== null) {
      page.content.showMachine(agent);
    }
    this.app.shell.activateById(page.id);
    return page;
  }

  private async create(saved: unknown): Promise<GpuPageWidget> {
    const { GpuWidget } = await import('./widget');
    const content = new GpuWidget(this.services, this.app.serviceManager, saved);
    const page = new MainAreaWidget({ content });
    page.id = ID;
    page.toolbar.hide();
    page.title.icon = gpuIcon;
    page.title.closable = true;
    // Notebook 7's main area holds the notebook alone.
    this.app.shell.add(page, this.labShell === null ? 'right' : 'main');
    await this.tracker.add(page);
    content.stateChanged.connect(() => void this.tracker.save(page));
    return page;
  }
}
