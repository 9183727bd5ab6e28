/** Asking for a moment in the future. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

import type { Trans } from '../i18n';

const DAY_MS = 86_400_000;
const SAID_MS = 5_000;

/** Ask until when; seconds since 1970, or null. */
export async function askMoment(title: string, label: string, trans: Trans): Promise<number | null> {
  const body = new MomentField(trans.__('Day and time'), tomorrowMorning());
  const buttons = [Dialog.cancelButton(), Dialog.okButton({ label })];
  const answer = await showDialog({ title, body, buttons });
  if (!answer.button.accept) {
    return null;
  }
  if (answer.value === null) {
    Notification.warning(trans.__('Choose a moment in the future: nothing was changed.'), {
      autoClose: SAID_MS
    });
  }
  return answer.value;
}

class MomentField extends Widget implements Dialog.IBodyWidget<number | null> {
  private readonly input = document.createElement('input');

  constructor(label: string, initial: Date) {
    super();
    this.addClass('aiplat-MomentField');
    this.input.type = 'datetime-local';
    this.input.setAttribute('aria-label', label);
    this.input.className = 'jp-mod-styled';
    this.input.value = localText(initial);
    this.input.min = localText(new Date());
    this.node.append(this.input);
  }

  /** Null for what is no moment, or is over. */
  getValue(): number | null {
    const at = new Date(this.input.value).getTime();
    return at > Date.now() ? Math.floor(at / 1000) : null;
  }
}

function tomorrowMorning(): Date {
  const day = new Date(Date.now() + DAY_MS);
  day.setHours(9, 0, 0, 0);
  return day;
}

/** As the browser's field wants it: local, to the minute. */
function localText(moment: Date): string {
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
