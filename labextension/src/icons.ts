/** The platform's own icons. */

import { LabIcon } from '@jupyterlab/ui-components';

import platform from '../style/icons/platform.svg';

export const platformIcon = new LabIcon({ name: 'aiplat:platform', svgstr: platform });
