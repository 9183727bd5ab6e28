import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { translated } from './faults';

const chinese = {
  ...nullTranslator.load(''),
  __: (text: string, ...parts: unknown[]) =>
    `汉 ${text.replace(/%(\d)/g, (_, n) => String(parts[Number(n) - 1]))}`
};

describe('what would be right', () => {
  it.each([
    'a file that exists',
    'a notebook (.ipynb) that exists',
    "a program that can be run: there is no 'pyhton'",
    'from -1,000 to 1,000',
    'at most 2: the machine has no more',
    '0: the machine has no GPU',
    'a folder that exists',
    '1 to 200 characters',
    'what runs the script, as it is neither .py nor .sh nor executable',
    'five fields: minute, hour, day, month, weekday; such as 30 2 * * 1-5',
    'a name such as Asia/Shanghai or UTC'
  ])('is translated with its particulars: %s', said => {
    expect(translated(said, chinese)).toBe(`汉 ${said}`);
  });

  it('stays as the server said it where that is not known', () => {
    expect(translated('each task once', chinese)).toBe('each task once');
  });
});
