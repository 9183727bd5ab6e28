/** The widget of a page, which lives as long as its model. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';

export abstract class PageWidget<M extends IDisposable> extends ReactWidget {
  constructor(
    protected readonly model: M,
    label: string
  ) {
    super();
    this.addClass('aiplat-PageWidget');
    this.title.label = label;
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.model.dispose();
      super.dispose();
    }
  }
}
