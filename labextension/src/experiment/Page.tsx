/** The page of one experiment. */

import type { JSX } from 'react';

import { AlertBanner } from '../alerts/Banner';
import type { Linked } from '../chart/linked';
import type { Trans } from '../i18n';
import { Skeleton, Unavailable } from '../page/Waiting';
import type { Services } from '../services';
import { useSignals } from '../signals';
import { Charts } from './Charts';
import { Notes, Tags } from './Editors';
import { ErrorBoundary } from './ErrorBoundary';
import { Header, type HeaderProps } from './Header';
import type { ExperimentModel } from './model';
import { goneText, PutAway } from './notices';
import { Attempts, Config, Provenance, Summary } from './Sections';
import type { PageState } from './state';

interface Props {
  readonly model: ExperimentModel;
  readonly services: Services;
  readonly linked: Linked;
  readonly state: PageState;
  readonly onState: (change: Partial<PageState>) => void;
}

export function Page(props: Props): JSX.Element {
  const { model, services } = props;
  const { trans, events } = services;
  useSignals(model.changed, events.linkChanged);
  const { experiment, error } = model;
  if (experiment === null) {
    const retry = (): void => model.reload();
    return error ? (
      <Unavailable what={goneText(error, trans)} error={error} onRetry={retry} trans={trans} />
    ) : (
      <Blank trans={trans} />
    );
  }
  const parts = { model, experiment, services };
  return (
    <div className="aiplat-Page">
      <ErrorBoundary trans={trans}>
        <Header {...parts} />
      </ErrorBoundary>
      <PutAway {...parts} />
      <ErrorBoundary trans={trans}>
        <AlertBanner about={{ experiment: [experiment.uid] }} services={services} />
      </ErrorBoundary>
      <div className="aiplat-PageColumns">
        <ErrorBoundary trans={trans}>
          <Charts {...props} experiment={experiment}>
            <Side {...parts} />
          </Charts>
        </ErrorBoundary>
      </div>
    </div>
  );
}

function Side(parts: HeaderProps): JSX.Element {
  const { model, experiment, services } = parts;
  const { trans } = services;
  const sections: [string, JSX.Element][] = [
    ['summary', <Summary key="summary" experiment={experiment} metrics={model.metrics} trans={trans} />],
    ['config', <Config key="config" experiment={experiment} trans={trans} />],
    ['tags', <Tags key="tags" {...parts} />],
    ['notes', <Notes key="notes" {...parts} />],
    ['attempts', <Attempts key="attempts" experiment={experiment} trans={trans} />],
    ['provenance', <Provenance key="provenance" experiment={experiment} trans={trans} />]
  ];
  return (
    <aside className="aiplat-PageSide" aria-label={trans.__('Details')}>
      {sections.map(([key, section]) => (
        <ErrorBoundary key={key} trans={trans}>
          {section}
        </ErrorBoundary>
      ))}
    </aside>
  );
}

function Blank({ trans }: { trans: Trans }): JSX.Element {
  return (
    <Skeleton label={trans.__('Loading the experiment')}>
      <div className="aiplat-PageCharts">
        <div className="aiplat-ChartBody">
          <div className="aiplat-ChartSkeleton" />
        </div>
      </div>
      <div className="aiplat-PageSide">
        {[0, 1, 2, 3].map(i => (
          <span key={i} className="aiplat-PageBlank" />
        ))}
      </div>
    </Skeleton>
  );
}
