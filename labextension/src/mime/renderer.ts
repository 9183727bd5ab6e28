/** Shows a panel's output: the live widget while there is one, else its curves from the server, else its picture. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel, Widget } from '@lumino/widgets';

import type { Services } from '../services';
import { CURVE_MIME, readBundle, type Bundle } from './bundle';
import { LiveWidget, WIDGET_MIME } from './live';

/** So long a kernel is given to bring its widget before the curve is asked from the server. */
const PATIENCE_MS = 2000;

export interface Surroundings {
  readonly services: Services;
  /** The registry that knows the notebook's widgets; null outside notebooks. */
  readonly rendermime: IRenderMimeRegistry | null;
  /** Whether there is a kernel that may have the widget. */
  readonly hasKernel: () => boolean;
}

export class CurveOutput extends Panel implements IRenderMime.IRenderer {
  private shown = '';
  private live: LiveWidget | null = null;
  private saved: Widget | null = null;
  private waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly surroundings: Surroundings) {
    super();
    this.addClass('aiplat-CurveOutput');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const data = JSON.stringify(model.data[CURVE_MIME]);
    if (data === this.shown) {
      return;
    }
    this.shown = data;
    this.clear();
    const bundle = readBundle(model.data[CURVE_MIME]);
    if (bundle === null) {
      this.node.textContent = textOf(model);
      return;
    }
    await this.showBundle(bundle, model);
  }

  override dispose(): void {
    clearTimeout(this.waiting);
    super.dispose();
  }

  private async showBundle(bundle: Bundle, model: IRenderMime.IMimeModel): Promise<void> {
    const { rendermime, hasKernel } = this.surroundings;
    if (bundle.modelId === null || !model.trusted || !rendermime?.getFactory(WIDGET_MIME)) {
      await this.showSaved(bundle, model);
      return;
    }
    const live = new LiveWidget(model, rendermime, isShowing => {
      if (isShowing) {
        this.showLive(live);
      } else {
        void this.showSaved(bundle, model);
      }
    });
    live.hide();
    this.live = live;
    this.addWidget(live);
    this.waiting = setTimeout(() => void this.showSaved(bundle, model), hasKernel() ? PATIENCE_MS : 0);
    void live.tried.then(() => {
      if (live.isHidden && this.live === live) {
        void this.showSaved(bundle, model);
      }
    });
  }

  private showLive(live: LiveWidget): void {
    clearTimeout(this.waiting);
    this.saved?.dispose();
    this.saved = null;
    live.show();
  }

  private async showSaved(bundle: Bundle, model: IRenderMime.IMimeModel): Promise<void> {
    clearTimeout(this.waiting);
    if (this.saved !== null || this.isDisposed) {
      return;
    }
    const place = new Panel();
    this.saved = place;
    this.live?.hide();
    this.addWidget(place);
    const { SavedCurve } = await import('./SavedCurve');
    if (!place.isDisposed) {
      place.addWidget(new SavedCurve(bundle, pictureOf(model), textOf(model), this.surroundings.services));
    }
  }

  private clear(): void {
    clearTimeout(this.waiting);
    this.node.textContent = '';
    this.live?.dispose();
    this.saved?.dispose();
    this.live = this.saved = null;
  }
}

function textOf(model: IRenderMime.IMimeModel): string {
  const text = model.data['text/plain'];
  return Array.isArray(text) ? text.join('') : typeof text === 'string' ? text : '';
}

/** The picture as an address; null without one. */
function pictureOf(model: IRenderMime.IMimeModel): string | null {
  const png = model.data['image/png'];
  return typeof png === 'string' ? `data:image/png;base64,${png}` : null;
}
