/** Tags and notes, edited where they stand. */

import { useState, type JSX, type KeyboardEvent } from 'react';

import * as actions from '../actions';
import type { ExperimentPatch } from '../records';
import type { HeaderProps } from './Header';
import { Section } from './Sections';

function useEdit({ model, services }: HeaderProps): (patch: ExperimentPatch) => void {
  return patch => {
    model.edit(patch).catch((reason: unknown) => actions.report(services.trans, reason));
  };
}

export function Tags(props: HeaderProps): JSX.Element {
  const { experiment, services } = props;
  const { trans } = services;
  const edit = useEdit(props);
  const { tags } = experiment;
  const canWrite = experiment.role !== 'viewer';
  return (
    <Section title={trans.__('Tags')}>
      <div className="aiplat-PageTags">
        {tags.map(tag => (
          <span key={tag} className="aiplat-PageTag">
            {tag}
            {canWrite && (
              <button
                type="button"
                aria-label={trans.__('Remove the tag %1', tag)}
                onClick={() => edit({ tags: tags.filter(other => other !== tag) })}
              >
                ×
              </button>
            )}
          </span>
        ))}
        {canWrite && (
          <NewTag
            label={trans.__('+ tag')}
            onAdd={tag => {
              if (!tags.includes(tag)) {
                edit({ tags: [...tags, tag] });
              }
            }}
          />
        )}
      </div>
    </Section>
  );
}

function NewTag({ label, onAdd }: { label: string; onAdd: (tag: string) => void }): JSX.Element {
  const [text, setText] = useState('');
  const take = (): void => {
    if (text.trim() !== '') {
      onAdd(text.trim());
    }
    setText('');
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      take();
    } else if (event.key === 'Escape') {
      setText('');
    }
  };
  return (
    <input
      className="aiplat-PageNewTag"
      placeholder={label}
      aria-label={label}
      maxLength={100}
      value={text}
      onChange={event => setText(event.target.value)}
      onKeyDown={onKeyDown}
      onBlur={take}
    />
  );
}

export function Notes(props: HeaderProps): JSX.Element {
  const { experiment, services } = props;
  const { trans } = services;
  const edit = useEdit(props);
  const [draft, setDraft] = useState<string | null>(null);
  const save = (): void => {
    setDraft(null);
    if (draft !== null && draft !== experiment.notes) {
      edit({ notes: draft });
    }
  };
  return (
    <Section title={trans.__('Notes')}>
      {draft === null ? (
        <NotesText {...props} onEdit={() => setDraft(experiment.notes)} />
      ) : (
        <div className="aiplat-PageNotesEditor">
          <textarea
            autoFocus
            rows={8}
            aria-label={trans.__('Notes')}
            value={draft}
            onChange={event => setDraft(event.target.value)}
            onKeyDown={event => {
              event.stopPropagation();
              if (event.key === 'Escape') {
                setDraft(null);
              } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
                save();
              }
            }}
          />
          <button type="button" className="aiplat-TextButton" onClick={save}>
            {trans.__('Save')}
          </button>
          <button type="button" className="aiplat-TextButton" onClick={() => setDraft(null)}>
            {trans.__('Cancel')}
          </button>
        </div>
      )}
    </Section>
  );
}

function NotesText({ experiment, services, onEdit }: HeaderProps & { onEdit: () => void }): JSX.Element {
  const { trans } = services;
  return (
    <>
      {experiment.notes !== '' && <p className="aiplat-PageNotes">{experiment.notes}</p>}
      {experiment.role !== 'viewer' && (
        <button type="button" className="aiplat-ChartLink" onClick={onEdit}>
          {experiment.notes === '' ? trans.__('Write notes') : trans.__('Edit')}
        </button>
      )}
    </>
  );
}
