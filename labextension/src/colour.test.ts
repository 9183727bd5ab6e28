import { describe, expect, it } from 'vitest';

import { colourIndex, colourOf, hues, PALETTE } from './colour';

const BACKGROUNDS = ['#ffffff', '#111111', '#212121'];

/** Relative luminance as of WCAG 2.2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(at => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe('the palette', () => {
  it.each(PALETTE)('%s stands out on light and dark', colour => {
    BACKGROUNDS.forEach(background => expect(contrast(colour, background)).toBeGreaterThanOrEqual(3));
  });

  it('gives an experiment one colour for ever', () => {
    expect(colourIndex('abc')).toBe((97 + 98 + 99) % 8);
    expect(colourOf('abc')).toBe(PALETTE[6]);
  });

  it('tells experiments of one chart apart while there are colours', () => {
    const uids = ['abc', 'acb', 'bac', 'xyz', 'abc'];
    expect([...hues(uids).values()]).toEqual([6, 7, 0, (120 + 121 + 122) % 8]);
    expect(new Set(hues(Array.from({ length: 9 }, (_, at) => `same${at}`)).values()).size).toBe(8);
  });
});
