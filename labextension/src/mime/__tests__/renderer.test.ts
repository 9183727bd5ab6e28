import { RenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel, Widget } from '@lumino/widgets';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { FakePlatform } from '../../testing/platform';
import { CURVE_MIME, PANEL_MIME, readBundle } from '../bundle';
import { WIDGET_MIME } from '../live';
import { CurveOutput } from '../renderer';

const OWN = {
  version: 1,
  experiments: ['mlp'],
  metrics: ['loss'],
  options: { x: 'wall' },
  widget: { model_id: 'm1' }
};

/** Wait, on the real clock, until it holds: longer than Vitest's second, for busy machines. */
const eventually = (holds: () => void): Promise<void> => vi.waitFor(holds, 8000);

/** Behaves as ipywidgets' renderer: stays empty until the manager is there and knows the model. */
class WidgetRenderer extends Panel implements IRenderMime.IRenderer {
  renderModel(): Promise<void> {
    this.node.textContent = 'Loading widget...';
    return found;
  }

  appear(view: Widget): void {
    this.node.textContent = '';
    this.addWidget(view);
  }
}

let found: Promise<void>;
let made: WidgetRenderer[];
let output: CurveOutput;
let hasKernel: boolean;

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  made = [];
  hasKernel = true;
  found = new Promise(() => undefined);
  const rendermime = new RenderMimeRegistry();
  const createRenderer = (): WidgetRenderer => {
    made.push(new WidgetRenderer());
    return made[made.length - 1];
  };
  rendermime.addFactory({ safe: false, mimeTypes: [WIDGET_MIME], createRenderer }, -10);
  const { services } = new FakePlatform();
  output = new CurveOutput({ services, rendermime, hasKernel: () => hasKernel });
  Widget.attach(output, document.body);
});

afterEach(() => {
  output.dispose();
  vi.useRealTimers();
});

function model(own: unknown = OWN, trusted = true, type: string = CURVE_MIME): IRenderMime.IMimeModel {
  const data = {
    [type]: own,
    [WIDGET_MIME]: {},
    'text/plain': 'LossCurve(mlp)'
  };
  return { data, trusted, metadata: {}, setData: () => undefined } as unknown as IRenderMime.IMimeModel;
}

const saved = (): Element | null => output.node.querySelector('.aiplat-SavedCurve');
const liveIsShown = (): boolean =>
  made.some(renderer => !renderer.isDisposed && renderer.parent?.isVisible === true);

describe('an output of curves', () => {
  it('shows the live widget alone', async () => {
    void output.renderModel(model());
    made[0].appear(new Widget());
    await vi.advanceTimersByTimeAsync(5000);
    expect(liveIsShown()).toBe(true);
    expect(saved()).toBeNull();
  });

  it('shows the saved curve when ipywidgets does not know the widget', async () => {
    found = Promise.resolve();
    await output.renderModel(model());
    await eventually(() => expect(saved()).not.toBeNull());
    expect(liveIsShown()).toBe(false);
  });

  it('does not wait where there is no kernel, and waits a little for one', async () => {
    await output.renderModel(model());
    await vi.advanceTimersByTimeAsync(1000);
    expect(saved()).toBeNull();
    await vi.advanceTimersByTimeAsync(1500);
    await eventually(() => expect(saved()).not.toBeNull());
    hasKernel = false;
    await output.renderModel(model({ ...OWN, metrics: ['acc'] }));
    await vi.advanceTimersByTimeAsync(10);
    await eventually(() => expect(saved()).not.toBeNull());
  });

  it('changes to the widget when it comes late, and back when it goes', async () => {
    found = Promise.resolve();
    await output.renderModel(model());
    await eventually(() => expect(saved()).not.toBeNull());
    const view = new Widget();
    made[0].appear(view);
    await eventually(() => expect(liveIsShown()).toBe(true));
    expect(saved()).toBeNull();
    view.dispose();
    await eventually(() => expect(saved()).not.toBeNull());
    expect(liveIsShown()).toBe(false);
  });

  it('keeps the widget when the same output is rendered again', async () => {
    await output.renderModel(model());
    await output.renderModel(model());
    expect(made.length).toBe(1);
  });

  it('keeps the widget when it shows other experiments, and disposes of one that is replaced', async () => {
    void output.renderModel(model({ ...OWN, experiments: [] }));
    made[0].appear(new Widget());
    await eventually(() => expect(liveIsShown()).toBe(true));
    await output.renderModel(model({ ...OWN, experiments: ['mlp', 'cnn'] }));
    expect(made.length).toBe(1);
    void output.renderModel(model({ ...OWN, widget: { model_id: 'm2' } }));
    expect(made[0].isDisposed).toBe(true);
    expect(made.length).toBe(2);
  });

  it('shows the still form of a panel without curves when its widget is gone', async () => {
    hasKernel = false;
    await output.renderModel(model({ version: 1, widget: { model_id: 'm1' } }, true, PANEL_MIME));
    await vi.advanceTimersByTimeAsync(10);
    await eventually(() => expect(output.node.textContent).toContain('LossCurve(mlp)'));
    expect(saved()).toBeNull();
  });

  it('asks no widget for an output that is not trusted', async () => {
    await output.renderModel(model(OWN, false));
    await eventually(() => expect(saved()).not.toBeNull());
    expect(made).toEqual([]);
  });

  it('keeps the room of the strip that was saved, before and without an answer of the server', async () => {
    await output.renderModel(model({ ...OWN, machine: ['system/gpu.0.util', 'system/gpu.0.memory'] }, false));
    const strip = (): Element | null => output.node.querySelector('.aiplat-Strip');
    await vi.waitFor(() => expect(strip()?.getAttribute('aria-label')).toMatch('Machine: GPU 0'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(strip()).not.toBeNull();
  });

  it('shows the text of what it does not understand', async () => {
    await output.renderModel(model({ ...OWN, version: 2 }));
    expect(output.node.textContent).toBe('LossCurve(mlp)');
  });
});

describe('readBundle', () => {
  it('takes what makes sense', () => {
    expect(readBundle(OWN)).toMatchObject({
      subject: { experiments: ['mlp'], metrics: ['loss'] },
      modelId: 'm1',
      view: { x: 'wall' }
    });
    expect(readBundle({ ...OWN, machine: ['system/cpu'] })?.machine).toEqual(['system/cpu']);
    expect(readBundle({ ...OWN, machine: 'cpu' })?.machine).toEqual([]);
    expect(readBundle({ ...OWN, widget: null, options: undefined })).toMatchObject({
      modelId: null,
      view: { x: 'step' }
    });
  });

  it.each([null, 'x', {}, { ...OWN, version: 2 }, { ...OWN, experiments: [1] }, { ...OWN, metrics: [1] }])(
    'refuses %o',
    data => {
      expect(readBundle(data)).toBeNull();
    }
  );
});
