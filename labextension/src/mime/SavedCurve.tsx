/** A panel's curves without its kernel: from the server, or as the picture that was saved with the notebook. */

import { ReactWidget } from '@jupyterlab/ui-components';
import { useCallback, useState, type JSX } from 'react';

import { Controls } from '../chart/Controls';
import { CurveChart } from '../chart/CurveChart';
import { Linked } from '../chart/linked';
import { Strips, useSystem } from '../chart/Strips';
import { placeOf } from '../chart/system';
import type { ChartView, Subject } from '../chart/view';
import { CommandIDs } from '../commands';
import { useCompanions } from '../experiment/names';
import type { Curve } from '../records';
import type { Services } from '../services';
import type { Bundle } from './bundle';

export class SavedCurve extends ReactWidget {
  private readonly linked = new Linked();

  constructor(
    private readonly bundle: Bundle,
    private readonly picture: string | null,
    private readonly text: string,
    private readonly services: Services
  ) {
    super();
    this.addClass('aiplat-SavedCurve');
  }

  protected override render(): JSX.Element {
    const { bundle, picture, text, services, linked } = this;
    return <Saved {...{ bundle, services, linked }} fallback={<Fallback picture={picture} text={text} />} />;
  }
}

interface SavedProps {
  readonly bundle: Bundle;
  readonly services: Services;
  readonly linked: Linked;
  readonly fallback: JSX.Element;
}

function Saved({ bundle, services, linked, fallback }: SavedProps): JSX.Element {
  const { subject } = bundle;
  const [view, setView] = useState(bundle.view);
  const { names, live } = useCompanions(services, subject.experiments);
  const change = (next: ChartView): void => {
    if (next.x !== view.x || next.xLog !== view.xLog) {
      linked.forget();
    }
    setView(next);
  };
  const name = useCallback((curve: Curve) => nameOf(curve, subject, names), [subject, names]);
  const title = subject.metrics.join(', ');
  const own = subject.experiments.length === 1 ? subject.experiments[0] : null;
  const summaries = useSystem(services, own, bundle.machine);
  return (
    <>
      <CurveChart {...{ services, title, subject, view, live, linked, name, fallback }} />
      {own && <Strips {...{ services, summaries, view, live, linked }} experiment={own} />}
      <Controls view={view} onChange={change} trans={services.trans}>
        {subject.experiments.length === 1 && <OpenLink uid={subject.experiments[0]} services={services} />}
      </Controls>
    </>
  );
}

function OpenLink({ uid, services }: { uid: string; services: Services }): JSX.Element {
  const { trans, commands } = services;
  return (
    <button
      type="button"
      className="aiplat-ChartLink"
      onClick={() => void commands.execute(CommandIDs.openExperiment, { uid })}
    >
      {trans.__('Open experiment')}
    </button>
  );
}

function nameOf(curve: Curve, { experiments, metrics }: Subject, names: ReadonlyMap<string, string>): string {
  const parts = [
    ...(experiments.length > 1 || metrics.length === 1
      ? [names.get(curve.experiment) ?? curve.experiment]
      : []),
    ...(metrics.length > 1 ? [curve.metric] : []),
    placeOf(curve.context)
  ];
  return parts.filter(Boolean).join(' · ');
}

function Fallback({ picture, text }: { picture: string | null; text: string }): JSX.Element {
  return picture ? (
    <img className="aiplat-SavedPicture" src={picture} alt={text} />
  ) : (
    <pre className="aiplat-SavedPicture">{text}</pre>
  );
}
