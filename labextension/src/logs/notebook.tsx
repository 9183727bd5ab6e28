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

async function render({ model, el }: { model: Model; el: HTMLElement }): Promise<() => void> {
  const trans = translator(model.get('language') as string);
  const task = model.get('task') as string;
  const comm = new CommSource(model, trans);
  const source = (await askPage(task, model.get('server') as ServerFacts)) ?? comm;
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
