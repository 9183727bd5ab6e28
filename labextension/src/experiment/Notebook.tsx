/** Where an experiment was started: notebook and cell; a click goes there if this server has the notebook. */

import { PageConfig } from '@jupyterlab/coreutils';
import type { JSX } from 'react';

import * as actions from '../actions';
import type { Experiment } from '../records';
import type { Services } from '../services';
import { pathBelow, serverRoot } from './paths';

interface Props {
  readonly experiment: Experiment;
  readonly services: Services;
}

/** What Lab's documents have of which they can show a part. */
interface Document {
  setFragment?: (fragment: string) => void;
}

export function Notebook({ experiment, services }: Props): JSX.Element | null {
  const { trans, commands } = services;
  const { notebook: file, cell, cell_number: number } = experiment.provenance;
  if (typeof file !== 'string' || file === '') {
    return null;
  }
  const place = typeof number === 'number' ? ` [${number}]` : '';
  const name = `${file.split('/').pop()}${place}`;
  const path = pathBelow(
    file,
    serverRoot(name => PageConfig.getOption(name))
  );
  if (path === null) {
    return <span title={file}>{name}</span>;
  }
  const open = async (): Promise<void> => {
    try {
      const document = (await commands.execute('docmanager:open', { path })) as Document | undefined;
      if (typeof cell === 'string') {
        document?.setFragment?.(`#cell-id=${cell}`);
      }
    } catch (reason) {
      actions.report(trans, reason);
    }
  };
  const title = typeof cell === 'string' ? trans.__('Go to the cell in %1', file) : trans.__('Open %1', file);
  return (
    <button type="button" className="aiplat-ChartLink" title={title} onClick={() => void open()}>
      {name}
    </button>
  );
}
