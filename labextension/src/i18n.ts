/** The translator's domain; every string that people read goes through it. */

import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { nullTranslator } from '@jupyterlab/translation';

export { locale } from './locale';

export type Trans = TranslationBundle;

/** Return the bundle of this extension. Call its methods on a variable named `trans`: a test collects the strings. */
export function load(translator: ITranslator | null): Trans {
  return (translator ?? nullTranslator).load('aiplat_jupyter');
}
