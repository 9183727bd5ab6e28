/** What a person does to what holds a GPU. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { ServiceManager } from '@jupyterlab/services';

import { report } from '../actions';
import type { Services } from '../services';
import * as tasks from '../tasks/deeds';
import { fileName } from './words';

const SAID_MS = 5000;

/** Lab's own lists of sessions and kernels. */
export type Kernels = Pick<ServiceManager.IManager, 'sessions' | 'kernels'>;

/** Shut a kernel down, after asking, through Lab, so that its notebook knows of it. */
export async function shutDownKernel(
  services: Services,
  manager: Kernels,
  kernel: string,
  notebook: string | null
): Promise<void> {
  const { trans } = services;
  const answer = await showDialog({
    title: trans.__('Shut down the kernel?'),
    body: question(notebook, services),
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Shut down') })]
  });
  if (!answer.button.accept) {
    return;
  }
  try {
    const isDone = await shutDown(manager, kernel);
    if (isDone) {
      Notification.success(trans.__('The kernel is shut down'), { autoClose: SAID_MS });
    } else {
      Notification.warning(trans.__('This server has no such kernel any more.'), { autoClose: SAID_MS });
    }
  } catch (reason) {
    report(trans, reason);
  }
}

function question(notebook: string | null, { trans }: Services): string {
  return notebook === null
    ? trans.__('Its variables are lost, and what it holds on the GPU is free again.')
    : trans.__(
        'The variables of “%1” are lost, and what its kernel holds on the GPU is free again.',
        fileName(notebook)
      );
}

/** Answer false when the server has no such kernel. */
async function shutDown({ sessions, kernels }: Kernels, kernel: string): Promise<boolean> {
  await sessions.refreshRunning();
  const session = [...sessions.running()].find(one => one.kernel?.id === kernel);
  if (session !== undefined) {
    await sessions.shutdown(session.id);
    return true;
  }
  await kernels.refreshRunning();
  const isThere = [...kernels.running()].some(one => one.id === kernel);
  if (isThere) {
    await kernels.shutdown(kernel);
  }
  return isThere;
}

/** Ask a task to end, as its own page does. */
export async function stopTask(services: Services, uid: string): Promise<void> {
  const task = await tasks.attempt(services, services.api.task(uid));
  if (task !== null) {
    await tasks.stop(services, task);
  }
}
