/** The settings editor in the reader's language: Lab translates the schemas of its own packages only. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { JSONObject, JSONValue } from '@lumino/coreutils';

import type { Trans } from './i18n';

/** Show the titles and descriptions of the plugin's schema in the language of `trans`. */
export function translateSettings(settings: ISettingRegistry, plugin: string, trans: Trans): void {
  settings.transform(plugin, {
    fetch: found => ({
      ...found,
      schema: translated(found.schema as unknown as JSONObject, trans) as unknown as ISettingRegistry.ISchema
    })
  });
}

const TEXTS = ['title', 'description'];

/** `schema` with all its titles and descriptions translated. */
export function translated(schema: JSONValue, trans: Trans): JSONValue {
  if (Array.isArray(schema)) {
    return schema.map(part => translated(part, trans));
  }
  if (typeof schema !== 'object' || schema === null) {
    return schema;
  }
  const entries = Object.entries(schema).map(([key, value]) =>
    TEXTS.includes(key) && typeof value === 'string'
      ? [key, value === '' ? value : trans.__(value)]
      : [key, translated(value, trans)]
  );
  return Object.fromEntries(entries) as JSONObject;
}
