// @vitest-environment node
import { readdirSync, readFileSync } from 'node:fs';

import ts from 'typescript';
import { describe, expect, it } from 'vitest';

import { SEVERITIES } from './alerts/severity';
import { STATES } from './status';
import { REASONS, TASK_STATES } from './taskStatus';

const SOURCES = new URL('.', import.meta.url);
const SETTINGS = new URL('../schema/services.json', import.meta.url);
const CHINESE = new URL('../../aiplat_jupyter/locale/zh_CN/LC_MESSAGES/aiplat_jupyter.json', import.meta.url);

interface Used {
  text: string;
  isPlural: boolean;
}

/** Every string that is given to `trans.__` or `trans._n` in the sources. */
function usedStrings(): Used[] {
  return readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter(name => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name) && !name.startsWith('testing'))
    .flatMap(name => stringsIn(name, readFileSync(new URL(name, SOURCES), 'utf8')));
}

function stringsIn(name: string, code: string): Used[] {
  const source = ts.createSourceFile(name, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: Used[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name: method, expression } = node.expression;
      const isTranslated = ['__', '_n'].includes(method.text) && /\btrans$/.test(expression.getText());
      const [text] = node.arguments;
      if (isTranslated && text !== undefined && ts.isStringLiteralLike(text)) {
        found.push({ text: text.text, isPlural: method.text === '_n' });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The titles and descriptions of the settings, which `settings.ts` translates. */
function settingsStrings(): string[] {
  const found: string[] = [];
  const collect = (key: string, value: unknown): unknown => {
    if ((key === 'title' || key === 'description') && typeof value === 'string') {
      found.push(value);
    }
    return value;
  };
  JSON.parse(readFileSync(SETTINGS, 'utf8'), collect);
  return found;
}

const { '': header, ...entries } = JSON.parse(readFileSync(CHINESE, 'utf8')) as Record<string, string[]> & {
  '': Record<string, string>;
};
const used = usedStrings();
const reasons = Object.values(REASONS).filter(({ en }) => en !== '');
const states = [
  ...Object.values(STATES),
  ...Object.values(TASK_STATES),
  ...Object.values(SEVERITIES),
  ...reasons
];

describe('the Chinese texts', () => {
  it('are there for every string, and for no other', () => {
    const wanted = new Set([
      ...used.map(({ text }) => text),
      ...states.map(({ en }) => en),
      ...settingsStrings()
    ]);
    expect(used.length).toBeGreaterThan(50);
    expect([...wanted].filter(text => !(text in entries)).sort()).toEqual([]);
    expect(Object.keys(entries).filter(text => !wanted.has(text))).toEqual([]);
  });

  it('have two forms where the English has, which Lab demands even of Chinese, and one elsewhere', () => {
    const plural = new Set(used.filter(({ isPlural }) => isPlural).map(({ text }) => text));
    for (const [text, forms] of Object.entries(entries)) {
      expect(forms, text).toHaveLength(plural.has(text) ? 2 : 1);
    }
  });

  it('keep the places for numbers and names', () => {
    const places = (text: string): string[] => [...new Set(text.match(/%\d/g) ?? [])].sort();
    for (const [text, forms] of Object.entries(entries)) {
      forms.forEach(form => expect(places(form), text).toEqual(places(text)));
    }
  });

  it('name states as the table does', () => {
    states.forEach(({ en, zh }) => expect(entries[en]).toEqual([zh]));
  });

  it('are sorted, and in a language that Lab knows', () => {
    expect(Object.keys(entries)).toEqual(Object.keys(entries).sort());
    expect(header.language).toBe('zh-CN');
  });
});
