/** Title, search and what can be made. */

import { addIcon, searchIcon } from '@jupyterlab/ui-components';
import { useEffect, useRef, useState } from 'react';
import type { JSX, KeyboardEvent } from 'react';

import { CommandIDs } from '../commands';
import type { Sidebar } from './sidebar';

const TYPING_PAUSE = 200;

interface Props {
  sidebar: Sidebar;
  isSearching: boolean;
  onSearching: (isSearching: boolean) => void;
}

export function Header({ sidebar, isSearching, onSearching }: Props): JSX.Element {
  const { trans, commands } = sidebar.services;
  const close = (): void => {
    sidebar.model.search('');
    onSearching(false);
  };
  return (
    <div className="aiplat-Header">
      <div className="aiplat-HeaderLine">
        <h2 className="aiplat-Title">{trans.__('AI Platform')}</h2>
        <button
          type="button"
          className="aiplat-IconButton"
          title={trans.__('Search (/)')}
          aria-label={trans.__('Search')}
          aria-pressed={isSearching}
          onClick={() => (isSearching ? close() : onSearching(true))}
        >
          <searchIcon.react tag="span" elementSize="small" />
        </button>
        <button
          type="button"
          className="aiplat-IconButton"
          title={trans.__('New project')}
          aria-label={trans.__('New project')}
          onClick={() => void commands.execute(CommandIDs.createProject)}
        >
          <addIcon.react tag="span" elementSize="small" />
        </button>
      </div>
      {isSearching && <SearchField sidebar={sidebar} onClose={close} />}
    </div>
  );
}

function SearchField({ sidebar, onClose }: { sidebar: Sidebar; onClose: () => void }): JSX.Element {
  const { trans } = sidebar.services;
  const [text, setText] = useState(sidebar.model.query);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const timer = setTimeout(() => sidebar.model.search(text.trim()), TYPING_PAUSE);
    return () => clearTimeout(timer);
  }, [sidebar, text]);
  useEffect(() => field.current?.focus(), []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      // Back to where the arrow keys walk: the field is about to go, and the focus with it.
      const view = field.current?.closest('.aiplat-SidebarView');
      view?.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus();
      onClose();
    }
  };
  return (
    <input
      ref={field}
      className="aiplat-Search"
      type="search"
      value={text}
      placeholder={trans.__('name, tag:…, config.lr<1e-3')}
      title={trans.__(
        'Words of names, tags and notes, and conditions: status:running, tag:baseline, config.lr<1e-3, metric.loss.min<0.5'
      )}
      aria-label={trans.__('Search projects and experiments')}
      spellCheck={false}
      onChange={event => setText(event.currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  );
}
