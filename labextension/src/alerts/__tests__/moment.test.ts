import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { askMoment } from '../moment';

const trans = nullTranslator.load('aiplat_jupyter');

afterEach(() => Notification.manager.dismiss());

/** Ask, type, and press the button with this label. */
async function answer(text: string, label: string): Promise<number | null> {
  const asked = askMoment('Silence until', 'Silence', trans);
  const input = await vi.waitFor(() => {
    const found = document.querySelector<HTMLInputElement>('.aiplat-MomentField input');
    expect(found).not.toBeNull();
    return found!;
  });
  input.value = text;
  const buttons = document.querySelectorAll<HTMLButtonElement>('.jp-Dialog button');
  [...buttons].find(button => button.textContent === label)?.click();
  return asked;
}

describe('asking for a moment', () => {
  it('answers what was chosen, or nothing when it was cancelled', async () => {
    expect(await answer('2099-01-01T09:00', 'Silence')).toBe(new Date(2099, 0, 1, 9).getTime() / 1000);
    expect(await answer('2099-01-01T09:00', 'Cancel')).toBeNull();
    expect(Notification.manager.notifications).toEqual([]);
  });

  it('says why a moment that has passed does nothing', async () => {
    expect(await answer('2001-01-01T09:00', 'Silence')).toBeNull();
    expect(Notification.manager.notifications[0]?.message).toContain('in the future');
  });
});
