/** What GPUs add to JupyterLab: their page in the main area. */

import type { ILabShell, JupyterFrontEnd } from '@jupyterlab/application';
import type { MainAreaWidget } from '@jupyterlab/apputils';

import { gpuIcon } from '../icons';
import { MainArea } from '../page/mainArea';
import type { Services } from '../services';
import type { GpuWidget } from './widget';

export type GpuPageWidget = MainAreaWidget<GpuWidget>;

const ID = 'aiplat-gpus';

/** The page of GPUs and machines; there is one. */
export class GpuPages {
  private readonly area: MainArea<GpuWidget>;

  constructor(
    private readonly app: JupyterFrontEnd,
    labShell: ILabShell | null,
    private readonly services: Services
  ) {
    this.area = new MainArea(app.shell, labShell, { namespace: 'aiplat-gpus', icon: gpuIcon });
  }

  get tracker(): MainArea<GpuWidget>['tracker'] {
    return this.area.tracker;
  }

  /** Show the page, with the machine of `agent` if one is named; `saved` is its content's `saved` of an earlier session. */
  async open(agent: string | null, saved: unknown): Promise<GpuPageWidget> {
    const { GpuWidget } = await import('./widget');
    const page = await this.area.show(ID, () => {
      const content = new GpuWidget(this.services, this.app.serviceManager, saved);
      content.stateChanged.connect(() => void this.area.save(ID));
      return content;
    });
    if (agent !== null) {
      page.content.showMachine(agent);
    }
    return page;
  }
}
