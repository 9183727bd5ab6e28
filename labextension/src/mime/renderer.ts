/** Shows a panel's output: the live widget while there is one, else its curves from the server, else its picture. */

import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel, Widget } from '@lumino/widgets';

import type { Services } from '../services';
import { CURVE_MIME, PANEL_MIME, readBundle, type Bundle } from './bundle';
import { LiveWidget, WIDGET_MIME } from './live';

/** So long a kernel is given to bring its widget before the curve is asked from the server. */
const PATIENCE_MS = 2000;

const STILL_MIMES = ['text/html', 'image/png', 'text/plain'];

export interface Surroundings {
  readonly services: Services;
  /** The registry that knows the notebook's widgets; null outside notebooks. */
  readonly rendermime: IRenderMimeRegistry | null;
  /** Whether there is a kernel that may have the widget. */
  readonly hasKernel: () => boolean;
}

export class CurveOutput extends Panel implements IRenderMime.IRenderer {
  private shown = '';
  private modelId: string | null = null;
  private live: LiveWidget | null = null;
  private saved: Widget | null = null;
  private waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly surroundings: Surroundings) {
    super();
    this.addClass('aiplat-CurveOutput');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const own = model.data[CURVE_MIME] ?? model.data[PANEL_MIME];
    const data = JSON.stringify(own);
    if (data === this.shown) {
      return;
    }
    this.shown = data;
    const bundle = readBundle(own);
    if (bundle !== null && bundle.modelId === this.modelId && this.live?.isHidden === false) {
      return; // the widget shows by itself what has changed
    }
    this.clear();
    this.modelId = bundle?.modelId ?? null;
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
    if (bundle.subject.experiments.length === 0) {
      await this.showStill(place, model);
      return;
    }
    const { SavedCurve } = await import('./SavedCurve');
    if (!place.isDisposed) {
      place.addWidget(new SavedCurve(bundle, pictureOf(model), textOf(model), this.surroundings.services));
    }
  }

  /** Shows what a host shows that knows no panels. */
  private async showStill(place: Panel, model: IRenderMime.IMimeModel): Promise<void> {
    const { rendermime } = this.surroundings;
    const type = STILL_MIMES.find(each => each in model.data && rendermime?.getFactory(each));
    if (type === undefined || rendermime === null) {
      place.node.textContent = textOf(model);
      return;
    }
    const still = rendermime.createRenderer(type);
    place.addWidget(still);
    await still.renderModel(model);
  }

  private clear(): void {
    clearTimeout(this.waiting);
    this.live?.dispose();
    this.saved?.dispose();
    this.live = this.saved = null;
    this.node.textContent = '';
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
