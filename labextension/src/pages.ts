/** Experiments' pages in the main area. */

import type { ILabShell, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import type { ExperimentWidget } from './experiment';
import { platformIcon } from './icons';
import type { Services } from './services';

export type ExperimentPage = MainAreaWidget<ExperimentWidget>;

const PREVIEW_CLASS = 'aiplat-mod-preview';

export class ExperimentPages {
  readonly tracker = new WidgetTracker<ExperimentPage>({ namespace: 'aiplat-experiment' });
  private preview: ExperimentPage | null = null;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly shell: JupyterFrontEnd.IShell,
    private readonly labShell: ILabShell | null,
    private readonly services: Services
  ) {}

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
    const page =
      this.tracker.find(other => other.id === pageId(uid)) ?? (await this.create(uid, isPreview, saved));
    if (page === this.preview && !isPreview) {
      this.keep();
    }
    this.shell.activateById(page.id);
    return page;
  }

  private async create(uid: string, isPreview: boolean, saved: unknown): Promise<ExperimentPage> {
    const { ExperimentWidget } = await import('./experiment');
    const page = new MainAreaWidget({ content: new ExperimentWidget(uid, this.services, saved) });
    page.id = pageId(uid);
    page.toolbar.hide();
    page.title.icon = platformIcon;
    page.title.closable = true;
    const last = this.preview;
    // Notebook 7's main area holds the notebook alone.
    this.shell.add(page, this.labShell === null ? 'right' : 'main', { ref: last?.id, mode: 'tab-after' });
    await this.tracker.add(page);
    page.content.stateChanged.connect(() => void this.tracker.save(page));
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
