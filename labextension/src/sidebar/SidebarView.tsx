/** The sidebar as a whole. */

import { useEffect, useState } from 'react';
import type { JSX } from 'react';

import { CommandIDs } from '../commands';
import { count } from '../format';
import { GpuSection } from '../gpu/GpuSection';
import { useSignals } from '../signals';
import { Header } from './Header';
import { MissingServerPart, NoContact, Notice, TextButton, Welcome } from './notices';
import type { Sidebar } from './sidebar';
import { Tree } from './Tree';

export function SidebarView({ sidebar }: { sidebar: Sidebar }): JSX.Element {
  useSignals(sidebar.model.changed);
  const [isSearching, setSearching] = useState(sidebar.model.query !== '');
  return (
    <div className="aiplat-SidebarView">
      <Header sidebar={sidebar} isSearching={isSearching} onSearching={setSearching} />
      <Body sidebar={sidebar} onSearch={() => setSearching(true)} />
      <SelectionBar sidebar={sidebar} />
      <Announcements sidebar={sidebar} />
    </div>
  );
}

function Body({ sidebar, onSearch }: { sidebar: Sidebar; onSearch: () => void }): JSX.Element {
  const { model, services } = sidebar;
  const { contact } = model;
  const retry = (): void => void model.start();
  switch (contact.kind) {
    case 'missing':
      return <MissingServerPart trans={services.trans} onRetry={retry} />;
    case 'failed':
      return <NoContact error={contact.error} trans={services.trans} onRetry={retry} />;
    case 'checking':
    case 'made':
      return (
        <>
          <div className="aiplat-Scroll">
            <Gpus sidebar={sidebar} />
            {model.isEmpty && <Welcome sidebar={sidebar} />}
            <Tree sidebar={sidebar} onSearch={onSearch} />
          </div>
          <Notice sidebar={sidebar} />
        </>
      );
  }
}

/** Sections are open unless they were closed, also for those who have used the sidebar before there was this one. */
const GPUS_CLOSED = 'gpus closed';

function Gpus({ sidebar }: { sidebar: Sidebar }): JSX.Element {
  const { model, services } = sidebar;
  return (
    <GpuSection
      services={services}
      isExpanded={!model.isExpanded(GPUS_CLOSED)}
      onExpand={isExpanded => model.setExpanded(GPUS_CLOSED, !isExpanded)}
      query={model.query}
    />
  );
}

/** What can be done with several things at once. */
function SelectionBar({ sidebar }: { sidebar: Sidebar }): JSX.Element | null {
  useSignals(sidebar.selection.changed);
  const { trans, commands } = sidebar.services;
  const target = sidebar.target();
  if (target === null || target.uids.length < 2) {
    return null;
  }
  const ids =
    target.lifecycle === 'trashed'
      ? [CommandIDs.restore, CommandIDs.purge]
      : [CommandIDs.archive, CommandIDs.trash];
  return (
    <div className="aiplat-SelectionBar" role="toolbar" aria-label={trans.__('Selected')}>
      <span className="aiplat-Name">{trans.__('%1 selected', count(target.uids.length))}</span>
      {ids.map(id => (
        <TextButton
          key={id}
          label={commands.label(id)}
          isEnabled={commands.isEnabled(id)}
          onClick={() => void commands.execute(id)}
        />
      ))}
      <TextButton label={trans.__('Clear')} onClick={() => sidebar.selection.clear()} />
    </div>
  );
}

function Announcements({ sidebar }: { sidebar: Sidebar }): JSX.Element {
  const [text, setText] = useState('');
  useEffect(() => {
    const slot = (_: unknown, news: string): void => setText(news);
    sidebar.model.announced.connect(slot);
    return () => void sidebar.model.announced.disconnect(slot);
  }, [sidebar]);
  return (
    <div className="aiplat-Hidden" role="status" aria-live="polite">
      {text}
    </div>
  );
}
