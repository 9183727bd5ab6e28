/** The sidebar as a widget of Lab's shell. */

import type { JSX } from 'react';

import { ReactWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';

import { platformIcon } from '../icons';
import type { Services } from '../services';
import { Sidebar } from './sidebar';
import { SidebarView } from './SidebarView';

export class SidebarWidget extends ReactWidget {
  readonly sidebar: Sidebar;

  constructor(services: Services) {
    super();
    this.sidebar = new Sidebar(services);
    this.id = 'aiplat-sidebar';
    this.addClass('aiplat-Sidebar');
    this.title.icon = platformIcon;
    this.title.caption = services.trans.__('AI Platform');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', services.trans.__('AI Platform'));
  }

  override dispose(): void {
    this.sidebar.dispose();
    super.dispose();
  }

  protected override render(): JSX.Element {
    return <SidebarView sidebar={this.sidebar} />;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this.sidebar.model.start();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.sidebar.model.rest();
  }

  protected override onActivateRequest(): void {
    const row = this.node.querySelector<HTMLElement>('.aiplat-Row[tabindex="0"]');
    (row ?? this.node).focus();
  }
}
