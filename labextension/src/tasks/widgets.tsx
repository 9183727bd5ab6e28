/** The widgets of tasks: all of them, one of them, and the form of a new one. */

import type { JSX } from 'react';

import { PageWidget } from '../page/widget';
import type { Services } from '../services';
import type { Draft } from './draft';
import { FormModel } from './formModel';
import { TasksModel } from './model';
import { TaskForm, titleOf } from './TaskForm';
import { TaskModel } from './taskModel';
import { TaskPage } from './TaskPage';
import { TasksPage } from './TasksPage';

export class TasksWidget extends PageWidget<TasksModel> {
  constructor(private readonly services: Services) {
    super(new TasksModel(services), services.trans.__('Tasks'));
  }

  protected override render(): JSX.Element {
    return <TasksPage model={this.model} services={this.services} />;
  }
}

export class TaskWidget extends PageWidget<TaskModel> {
  constructor(
    uid: string,
    private readonly services: Services
  ) {
    super(new TaskModel(uid, services), uid);
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

  protected override render(): JSX.Element {
    return <TaskPage model={this.model} services={this.services} />;
  }
}

export class TaskFormWidget extends PageWidget<FormModel> {
  constructor(
    draft: Draft,
    services: Services,
    private readonly browse: (() => Promise<string | null>) | null,
    private readonly onDone: (uid: string) => void
  ) {
    super(new FormModel(draft, services), titleOf(draft, services.trans));
  }

  protected override onActivateRequest(): void {
    void this.renderPromise?.then(() => {
      const { activeElement: at } = document;
      if (at === this.node || !this.node.contains(at)) {
        this.node.querySelector<HTMLElement>('input[type="text"]')?.focus();
      }
    });
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
