/**
 * The renderer of panels' outputs.
 *
 * It is no mime-renderer extension, because it needs the connection to the server part and the notebook's widgets. Each
 * notebook has a registry of its own, in which ipywidgets registers itself with rank -10; there ours goes before it.
 * Everywhere else (consoles, text editors' previews) the widget goes first, and the saved curve is shown without one.
 */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { DisposableDelegate } from '@lumino/disposable';

import type { Services } from '../services';
import { IServices } from '../services';
import { CURVE_MIME, PANEL_MIME } from './bundle';
import { CurveOutput, type Surroundings } from './renderer';

const BEFORE_WIDGETS = -20;
const AFTER_WIDGETS = -5;

function factory(surroundings: Surroundings): IRenderMime.IRendererFactory {
  const createRenderer = (): CurveOutput => new CurveOutput(surroundings);
  return { safe: true, mimeTypes: [CURVE_MIME, PANEL_MIME], createRenderer };
}

/** The registry of a notebook's panel; null for a widget that is no notebook. */
function registryOf(panel: object): IRenderMimeRegistry | null {
  const content = 'content' in panel ? panel.content : null;
  const isNotebook = typeof content === 'object' && content !== null && 'rendermime' in content;
  return isNotebook ? (content.rendermime as IRenderMimeRegistry) : null;
}

export const curveOutput: JupyterFrontEndPlugin<void> = {
  id: 'aiplat-jupyter:curve-output',
  description: 'Shows curves in notebooks, also without a kernel.',
  autoStart: true,
  requires: [IServices, IRenderMimeRegistry],
  activate: (app: JupyterFrontEnd, services: Services, rendermime: IRenderMimeRegistry): void => {
    rendermime.addFactory(factory({ services, rendermime: null, hasKernel: () => false }), AFTER_WIDGETS);
    app.docRegistry.addWidgetExtension('Notebook', {
      createNew: (panel, { sessionContext }) => {
        const registry = registryOf(panel);
        const hasKernel = (): boolean => sessionContext.session?.kernel != null;
        registry?.addFactory(factory({ services, rendermime: registry, hasKernel }), BEFORE_WIDGETS);
        return new DisposableDelegate(() => undefined);
      }
    });
  }
};
