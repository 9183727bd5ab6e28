import { describe, expect, it } from 'vitest';

import { plainText, runsOf, type Look, type Rgb } from '../ansi';
import { contrast, inkOf, LEAST_CONTRAST, type Paper } from '../contrast';

const E = '\x1b[';

describe('escapes', () => {
  it.each<[string, Look]>([
    ['31', { fore: 1 }],
    ['1;4;92', { isBold: true, isUnderlined: true, fore: 10 }],
    ['38;5;208', { fore: [255, 135, 0] }],
    ['38;5;3', { fore: 3 }],
    ['48;5;250', { back: [188, 188, 188] }],
    ['38;2;1;2;300;1', { fore: [1, 2, 255], isBold: true }],
    ['7;9', { isInverse: true, isStruck: true }],
    ['38;5', { fore: 0 }],
    ['999', {}]
  ])('%s is a look', (codes, look) => {
    expect(runsOf(`a${E}${codes}mb${E}0mc`)).toEqual([
      { text: 'a', look: {} },
      { text: 'b', look },
      { text: 'c', look: {} }
    ]);
  });

  it('that set nothing are dropped, whatever they carry', () => {
    const title = '\x1b]0;evil\x07';
    const link = '\x1b]8;;http://x\x1b\\';
    expect(plainText(`${title}a${E}2K${E}1;1H${link}b${E}?25l\x1b(Bc\x1b`)).toBe('abc');
  });

  it('are not needed for other control characters to be seen', () => {
    expect(plainText('a\x00b\x07\tc\x7f')).toBe('a␀b␇\tc␡');
  });

  it('are read in time that grows with the text', () => {
    const before = performance.now();
    plainText(`${E}${'1;'.repeat(50_000)}`);
    plainText('\x1b]'.repeat(20_000));
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('colours', () => {
  const papers: Paper[] = [
    { back: [255, 255, 255], fore: [33, 33, 33] },
    { back: [17, 17, 17], fore: [255, 255, 255] },
    { back: [33, 33, 33], fore: [224, 224, 224] }
  ];
  const all = Array.from({ length: 256 }, (_, i) => runsOf(`${E}38;5;${i}mx`)[0].look.fore);

  it('can be read in both themes', () => {
    for (const paper of papers) {
      for (const fore of all) {
        const ink = inkOf({ fore }, paper);
        expect(contrast(ink.fore!, paper.back)).toBeGreaterThanOrEqual(LEAST_CONTRAST);
      }
    }
  });

  it('can be read on colours, and the other way round', () => {
    for (const paper of papers) {
      for (const back of all) {
        for (const look of [{ back }, { back, fore: 1 }, { fore: back, isInverse: true }] as Look[]) {
          const ink = inkOf(look, paper) as { fore: Rgb; back: Rgb };
          expect(contrast(ink.fore, ink.back)).toBeGreaterThanOrEqual(4.5);
        }
      }
    }
  });

  it('are left as they are where they can be read', () => {
    expect(inkOf({ fore: [0, 0, 139] }, papers[0]).fore).toEqual([0, 0, 139]);
  });
});
