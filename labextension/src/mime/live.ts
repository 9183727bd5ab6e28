/** The live widget of an output, if its kernel still has it. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel } from '@lumino/widgets';

export const WIDGET_MIME = 'application/vnd.jupyter.widget-view+json';

/**
 * Asks ipywidgets for the widget named in an output, and tells when its view appears and goes.
 *
 * ipywidgets' renderer is a panel that stays empty while the widget's manager or model is missing, which may be for
 * ever (no kernel) or until the manager has restored its models; it never says which.
 */
export class LiveWidget extends Panel {
  private readonly observer: MutationObserver;
  private isShowing = false;

  constructor(
    model: IRenderMime.IMimeModel,
    rendermime: IRenderMimeRegistry,
    private readonly onChange: (isShowing: boolean) => void
  ) {
    super();
    const renderer = rendermime.createRenderer(WIDGET_MIME);
    this.addWidget(renderer);
    this.observer = new MutationObserver(() => this.look(renderer));
    this.observer.observe(renderer.node, { childList: true, attributeFilter: ['class'] });
    this.tried = renderer.renderModel(model).catch((reason: unknown) => {
      console.debug('aiplat: the widget cannot be shown.', reason);
    });
  }

  /** Settled when ipywidgets has found the widget, or not found it (yet). */
  readonly tried: Promise<void>;

  override dispose(): void {
    this.observer.disconnect();
    super.dispose();
  }

  private look(renderer: IRenderMime.IRenderer): void {
    const isShowing = !renderer.isHidden && renderer instanceof Panel && renderer.widgets.length > 0;
    if (isShowing !== this.isShowing) {
      this.isShowing = isShowing;
      this.onChange(isShowing);
    }
  }
}
