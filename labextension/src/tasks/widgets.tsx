/** The widgets of tasks: all of them, one of them, and the form of a new one. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import type { Services } from '../services';
import type { Draft } from './draft';
import { FormModel } from './formModel';
import { TasksModel } from './model';
import { TaskForm, titleOf } from './TaskForm';
import { TaskModel } from './taskModel';
import { TaskPage } from './TaskPage';
import { TasksPage } from './TasksPage';

export class TasksWidget extends ReactWidget {
  private readonly model: TasksModel;

  constructor(private readonly services: Services) {
    super();
    this.model = new TasksModel(services);
    this.addClass('aiplat-PageWidget');
    this.title.label = services.trans.__('Tasks');
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.dispose();
      super.dispose();
    }
  }

  protected override render(): JSX.Element {
    return <TasksPage model={this.model} services={this.services} />;
  }
}

export class TaskWidget extends ReactWidget {
  private readonly model: TaskModel;

  constructor(
    uid: string,
    private readonly services: Services
  ) {
    super();
    this.model = new TaskModel(uid, services);
    this.addClass('aiplat-PageWidget');
    this.title.label = uid;
    this.model.changed.connect(() => {
      const { task } = this.model;
      if (task !== null) {
        this.title.label = task.name;
        this.title.caption = `${task.project_name} / ${task.name}`;
      }
    });
  }

  showFirstError(): void {
    this.model.wantError(true);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.dispose();
      super.dispose();
    }
  }

  protected override render(): JSX.Element {
    return <TaskPage model={this.model} services={this.services} />;
  }
}

export class TaskFormWidget extends ReactWidget {
  private readonly model: FormModel;

  constructor(
    draft: Draft,
    services: Services,
    private readonly browse: (() => Promise<string | null>) | null,
    private readonly onDone: (uid: string) => void
  ) {
    super();
    this.model = new FormModel(draft, services);
    this.addClass('aiplat-PageWidget');
    this.title.label = titleOf(draft, services.trans);
  }

  protected override onActivateRequest(): void {
    void this.renderPromise?.then(() => {
      const { activeElement: at } = document;
      if (at === this.node || !this.node.contains(at)) {
        this.node.querySelector<HTMLElement>('input[type="text"]')?.focus();
      }
    });
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.dispose();
      super.dispose();
    }
  }

  protected override render(): JSX.Element {
    const close = (): void => this.parent?.dispose();
    return (
      <TaskForm
        model={this.model}
        browse={this.browse}
        onCancel={close}
        onDone={uid => {
          close();
          this.onDone(uid);
        }}
      />
    );
  }
}
