/** The panel in a notebook: a bundle of its own, of which anywidget makes a widget. */

import { createRoot } from 'react-dom/client';

import '../../style/logs.css';
import chinese from '../../../aiplat_jupyter/locale/zh_CN/LC_MESSAGES/aiplat_jupyter.json';
import { locale } from '../locale';
import { CommSource, type Model } from './comm';
import { askPage, type ServerFacts } from './door';
import { Log } from './log';
import { LogView } from './LogView';
import type { Trans } from './words';

const CHINESE = chinese as unknown as Readonly<Record<string, readonly string[] | undefined>>;

/** The language that was forced, else that of the page. */
function translator(language: string): Trans {
  const isChinese = (language || locale()).toLowerCase().startsWith('zh');
  return {
    __: (text, ...places) => {
      const said = (isChinese ? CHINESE[text]?.[0] : undefined) ?? text;
      return said.replace(/%(\d)/g, (_, place) => String(places[Number(place) - 1]));
    }
  };
}

/** Milliseconds for the kernel to say of which server it is. */
const PATIENCE = 5000;

/** The kernel's server, once it has said so; a stranger's if it does not. */
function serverOf(model: Model): Promise<ServerFacts> {
  return new Promise(resolve => {
    const look = (): void => {
      const server = model.get('server') as Partial<ServerFacts>;
      if (server.machine !== undefined) {
        done(server as ServerFacts);
      }
    };
    const done = (server: ServerFacts): void => {
      clearTimeout(timer);
      model.off('change:server', look);
      resolve(server);
    };
    const timer = setTimeout(() => done({ machine: '', data_dir: '' }), PATIENCE);
    model.on('change:server', look);
    look();
  });
}

async function render({ model, el }: { model: Model; el: HTMLElement }): Promise<() => void> {
  const trans = translator(model.get('language') as string);
  const task = model.get('task') as string;
  const comm = new CommSource(model, trans);
  const source = (await askPage(task, await serverOf(model))) ?? comm;
  const line = model.get('line') as number | null;
  const log = new Log(source, undefined, line ?? undefined);
  const root = createRoot(el);
  el.classList.add('aiplat-LogPanel');
  root.render(<LogView log={log} trans={trans} />);
  return () => {
    root.unmount();
    log.dispose();
    comm.dispose();
  };
}

export default { render };
