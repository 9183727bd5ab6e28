/** What the row of an experiment shows. */

import { useEffect, useRef } from 'react';
import type { JSX, RefObject } from 'react';

import type { Curve, ExperimentRow } from '../records';
import { Age, LastValue, StatusIcon } from './cells';
import { Cut } from './Cut';
import { NameField } from './NameField';
import type { Sidebar } from './sidebar';
import { Sparkline } from './Sparkline';

interface Props {
  sidebar: Sidebar;
  experiment: ExperimentRow;
  showsProject: boolean;
  /** Tell to the second how long it has been running. */
  isExact: boolean;
  curve: Curve | undefined;
  isRenaming: boolean;
}

export function ExperimentContent({
  sidebar,
  experiment,
  showsProject,
  isExact,
  curve,
  isRenaming
}: Props): JSX.Element {
  const { trans } = sidebar.services;
  const marker = useSight(sidebar, experiment);
  const title = [experiment.name, experiment.project_name, ...experiment.tags.map(tag => `#${tag}`)].join(
    '\n'
  );
  return (
    <>
      <StatusIcon row={experiment} trans={trans} />
      {isRenaming ? (
        <NameField name={experiment.name} trans={trans} onDone={name => void sidebar.finishRenaming(name)} />
      ) : (
        <span className="aiplat-Name" title={title}>
          <Cut text={experiment.name} />
          {showsProject && <span className="aiplat-Where"> {experiment.project_name}</span>}
        </span>
      )}
      <span className="aiplat-SparklineBox" ref={marker}>
        {curve !== undefined && <Sparkline curve={curve} />}
      </span>
      <LastValue row={experiment} curve={curve} trans={trans} />
      <Age row={experiment} isExact={isExact} trans={trans} />
    </>
  );
}

/** Tell the model while the row can be seen: only then its curve is fetched. */
function useSight(sidebar: Sidebar, row: ExperimentRow): RefObject<HTMLSpanElement> {
  const marker = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let hide = (): void => undefined;
    const observer = new IntersectionObserver(entries => {
      hide();
      const isSeen = entries.at(-1)?.isIntersecting === true;
      hide = isSeen ? sidebar.model.sparklines.show(row) : () => undefined;
    });
    if (marker.current !== null) {
      observer.observe(marker.current);
    }
    return () => {
      observer.disconnect();
      hide();
    };
  }, [sidebar, row]);
  return marker;
}
