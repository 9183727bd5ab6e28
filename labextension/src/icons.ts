/** The platform's own icons. */

import { LabIcon } from '@jupyterlab/ui-components';

import alerts from '../style/icons/alerts.svg';
import gpu from '../style/icons/gpu.svg';
import platform from '../style/icons/platform.svg';
import tasks from '../style/icons/tasks.svg';

export const platformIcon = new LabIcon({ name: 'aiplat:platform', svgstr: platform });
export const taskIcon = new LabIcon({ name: 'aiplat:tasks', svgstr: tasks });
export const alertIcon = new LabIcon({ name: 'aiplat:alerts', svgstr: alerts });
export const gpuIcon = new LabIcon({ name: 'aiplat:gpu', svgstr: gpu });
