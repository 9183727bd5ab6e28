// @vitest-environment node
import { readFileSync } from 'node:fs';

import openapi, { astToString } from 'openapi-typescript';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';

it('follows the OpenAPI document; if it does not, run `jlpm types`', async () => {
  const target = new URL('api.ts', import.meta.url);
  const document = new URL('../../../aiplat_jupyter/server/openapi.json', import.meta.url);
  const made = astToString(await openapi(document, { alphabetize: true, emptyObjectsUnknown: true }));
  const config = await resolveConfig(target);
  const kept = readFileSync(target, 'utf8');
  const body = kept.slice(kept.indexOf('export interface paths'));
  expect(await format(made, { ...config, parser: 'typescript' })).toBe(body);
});
