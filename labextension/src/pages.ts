/** Experiments' pages in the main area. */

import type { ILabShell, JupyterFrontEnd } from '@jupyterlab/application';
import type { MainAreaWidget } from '@jupyterlab/apputils';

import type { ExperimentWidget } from './experiment';
import { platformIcon } from './icons';
import { MainArea } from './page/mainArea';
import type { Services } from './services';

export type ExperimentPage = MainAreaWidget<ExperimentWidget>;

const PREVIEW_CLASS = 'aiplat-mod-preview';

export class ExperimentPages {
  private readonly area: MainArea<ExperimentWidget>;
  private preview: ExperimentPage | null = null;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly shell: JupyterFrontEnd.IShell,
    labShell: ILabShell | null,
    private readonly services: Services
  ) {
    this.area = new MainArea(shell, labShell, { namespace: 'aiplat-experiment', icon: platformIcon });
  }

  get tracker(): MainArea<ExperimentWidget>['tracker'] {
    return this.area.tracker;
  }

  /**
   * Show the experiment's page; as a preview in the one tab that previews share. `saved` is the page's content's
   * `saved` of an earlier session. One at a time: both clicks of a double click mean the same page.
   */
  open(uid: string, isPreview: boolean, saved?: unknown): Promise<ExperimentPage> {
    const page = this.last.then(() => this.show(uid, isPreview, saved));
    this.last = page.catch(() => undefined);
    return page;
  }

  private async show(uid: string, isPreview: boolean, saved: unknown): Promise<ExperimentPage> {
    const page = this.area.find(pageId(uid)) ?? (await this.create(uid, isPreview, saved));
    if (page === this.preview && !isPreview) {
      this.keep();
    }
    this.shell.activateById(page.id);
    return page;
  }

  private async create(uid: string, isPreview: boolean, saved: unknown): Promise<ExperimentPage> {
    const { ExperimentWidget } = await import('./experiment');
    const content = new ExperimentWidget(uid, this.services, saved);
    const last = this.preview;
    const page = await this.area.add(pageId(uid), content, { ref: last?.id, mode: 'tab-after' });
    content.stateChanged.connect(() => void this.tracker.save(page));
    if (isPreview) {
      this.preview = page;
      page.title.className = PREVIEW_CLASS;
      page.disposed.connect(() => this.forget(page));
      last?.dispose();
    }
    return page;
  }

  private keep(): void {
    if (this.preview !== null) {
      this.preview.title.className = '';
      this.preview = null;
    }
  }

  private forget(page: ExperimentPage): void {
    if (this.preview === page) {
      this.preview = null;
    }
  }
}

/** Return the id of the page of the experiment `uid`. */
function pageId(uid: string): string {
  return `aiplat-experiment:${uid}`;
}

/** Return the uid of the experiment that `page` shows. */
export function uidOfPage(page: ExperimentPage): string {
  return page.id.slice(pageId('').length);
}
