import { describe, expect, it } from 'vitest';

import { DEFAULT_VIEW } from '../../chart/view';
import { summary } from '../../testing/records';
import { entries, filtered } from '../entries';
import { pathBelow, serverRoot } from '../paths';
import { grouped, inOrder, matching, toDraw } from '../metrics';
import { DEFAULT_STATE, restoreState, savedState } from '../state';

describe('entries', () => {
  it('are the leaves, with their path', () => {
    const all = entries({
      lr: 1e-3,
      opt: { name: 'adam', betas: [0.9, 1] },
      on: true,
      none: null,
      empty: {}
    });
    expect(all.map(({ key, text }) => `${key}=${text}`)).toEqual([
      'lr=0.001',
      'opt.name=adam',
      'opt.betas=[0.9,1]',
      'on=true',
      'none=null',
      'empty={}'
    ]);
    expect(all[0].isNumber).toBe(true);
  });

  it('end somewhere in what is nested without end', () => {
    let deep: Record<string, unknown> = { end: 1 };
    for (let i = 0; i < 50; i++) {
      deep = { a: deep };
    }
    expect(entries(deep).length).toBe(1);
  });

  it('are found by words in key or text', () => {
    const all = entries({ lr: 1, model: { name: 'MLP wide' } });
    expect(filtered(all, 'model mlp').map(({ key }) => key)).toEqual(['model.name']);
    expect(filtered(all, '').length).toBe(2);
  });
});

describe('metrics', () => {
  const named = (...names: string[]) => names.map(metric => summary({ metric }));

  it('come in the order of their weight', () => {
    const names = inOrder(named('epoch', 'acc10', 'acc9', 'val/loss', 'f1', 'loss', 'loss'), 'f1');
    expect(names).toEqual(['f1', 'loss', 'val/loss', 'acc9', 'acc10', 'epoch']);
  });

  it('are drawn as chosen, or all, or the first of many', () => {
    const many = Array.from({ length: 5000 }, (_, i) => `m${i}`);
    expect(toDraw(many, null).length).toBe(12);
    expect(toDraw(['a', 'b'], null)).toEqual(['a', 'b']);
    expect(toDraw(many, ['m77', 'gone'])).toEqual(['m77']);
  });

  it('stand under their prefix', () => {
    expect(grouped(['val/loss', 'loss', 'val/acc', 'a/b/c'])).toEqual([
      { prefix: '', metrics: ['loss'] },
      { prefix: 'val', metrics: ['val/loss', 'val/acc'] },
      { prefix: 'a', metrics: ['a/b/c'] }
    ]);
  });

  it('are found by words', () => {
    expect(matching(['val/loss', 'val/acc', 'loss'], 'VAL lo')).toEqual(['val/loss']);
  });
});

describe('the state of a page', () => {
  it('comes back as it was', () => {
    const state = {
      view: { ...DEFAULT_VIEW, yLog: true },
      zoom: [1, 5] as const,
      heights: { loss: [0, 2] as const },
      metrics: ['a'],
      compared: ['b']
    };
    expect(restoreState(savedState(state))).toEqual(state);
  });

  it('is the usual one where what was saved makes no sense', () => {
    expect(restoreState(null)).toBe(DEFAULT_STATE);
    expect(
      restoreState({ zoom: [5, 1], heights: { a: [2, 1] }, metrics: [3], compared: 'x', view: 7 })
    ).toEqual(DEFAULT_STATE);
  });
});

describe('serverRoot', () => {
  it('is the address where there is one', () => {
    const options: Record<string, string> = { serverRoot: '~/x', rootUri: 'file:///data/my%20work' };
    expect(serverRoot(name => options[name])).toBe('/data/my work');
    expect(serverRoot(name => ({ ...options, rootUri: '' })[name] ?? '')).toBe('~/x');
  });
});

describe('pathBelow', () => {
  it.each([
    ['a/b.ipynb', '/srv', 'a/b.ipynb'],
    ['/srv/a/b.ipynb', '/srv/', 'a/b.ipynb'],
    ['/srv2/b.ipynb', '/srv', null],
    ['/home/ada/x/b.ipynb', '~/x', 'b.ipynb'],
    [['', 'root', 'b.ipynb'].join('/'), '~', 'b.ipynb'],
    ['/opt/b.ipynb', '~', null]
  ])('of %s in %s is %s', (file, root, path) => {
    expect(pathBelow(file, root)).toBe(path);
  });
});
