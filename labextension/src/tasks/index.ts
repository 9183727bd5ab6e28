/** What tasks add to JupyterLab: pages, a form, commands, the status bar's counts and notifications. */

import type { ILabShell, JupyterFrontEnd } from '@jupyterlab/application';
import type { MainAreaWidget } from '@jupyterlab/apputils';

import { taskIcon } from '../icons';
import { MainArea } from '../page/mainArea';
import type { Services } from '../services';
import { attempt } from './deeds';
import { draftOfFile, draftOfSchedule, draftOfTask, emptyDraft, type Draft } from './draft';

export type TaskPageWidget = MainAreaWidget;
/** What a form is filled in from: a task, a schedule that it changes, or a file. */
type From = { uid?: string; schedule?: string; path?: string };

const LIST = 'aiplat-tasks';
const PAGE = 'aiplat-task:';

/** The pages of tasks in the main area; each is opened once. */
export class TaskPages {
  private readonly area: MainArea;
  private forms = 0;

  constructor(
    app: JupyterFrontEnd,
    labShell: ILabShell | null,
    private readonly services: Services,
    /** Let the reader choose a file; null where there is no file browser. */
    private readonly browse: (() => Promise<string | null>) | null
  ) {
    this.area = new MainArea(app.shell, labShell, { namespace: 'aiplat-task', icon: taskIcon });
  }

  get tracker(): MainArea['tracker'] {
    return this.area.tracker;
  }

  /** Show all tasks. */
  async openList(): Promise<TaskPageWidget> {
    const { TasksWidget } = await import('./widgets');
    return this.area.show(LIST, () => new TasksWidget(this.services));
  }

  /** Show one task, and the first error of its log if that is wanted. */
  async openTask(uid: string, atError = false): Promise<TaskPageWidget> {
    const { TaskWidget } = await import('./widgets');
    const page = await this.area.show(PAGE + uid, () => new TaskWidget(uid, this.services));
    if (atError && page.content instanceof TaskWidget) {
      page.content.showFirstError();
    }
    return page;
  }

  /** Show the page with this id again; a form is not kept. */
  async restore(id: unknown): Promise<TaskPageWidget | null> {
    if (id === LIST) {
      return this.openList();
    }
    return typeof id === 'string' && id.startsWith(PAGE) ? this.openTask(id.slice(PAGE.length)) : null;
  }

  /** Show the form of a new task, or of a schedule. */
  async openForm(from: From): Promise<TaskPageWidget | null> {
    const draft = await this.draft(from);
    if (draft === null) {
      return null;
    }
    const { TaskFormWidget } = await import('./widgets');
    const onDone = (uid: string): void => void (uid === '' ? this.openList() : this.openTask(uid));
    this.forms += 1;
    return this.area.show(
      `aiplat-new-task:${this.forms}`,
      () => new TaskFormWidget(draft, this.services, this.browse, onDone)
    );
  }

  private async draft({ uid, schedule, path }: From): Promise<Draft | null> {
    if (schedule !== undefined) {
      const found = await attempt(this.services, this.services.api.schedule(schedule));
      return found && draftOfSchedule(found);
    }
    if (uid !== undefined) {
      const task = await attempt(this.services, this.services.api.task(uid));
      return task && draftOfTask(task);
    }
    return path === undefined ? emptyDraft() : draftOfFile(path);
  }
}
