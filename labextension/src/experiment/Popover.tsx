/** A button that opens a small panel; Esc, or a click elsewhere, closes it. */

import { useEffect, useRef, useState, type JSX, type KeyboardEvent, type ReactNode } from 'react';

interface Props {
  readonly label: string;
  readonly children: ReactNode;
}

export function Popover({ label, children }: Props): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) {
      return;
    }
    const close = (event: PointerEvent): void => {
      if (!root.current?.contains(event.target as Node)) {
        setOpen(false);
      }
    };
    document.addEventListener('pointerdown', close);
    return () => document.removeEventListener('pointerdown', close);
  }, [isOpen]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (isOpen && event.key === 'Escape') {
      event.stopPropagation();
      setOpen(false);
      button.current?.focus();
    }
  };
  return (
    <div className="aiplat-Popover" ref={root} onKeyDown={onKeyDown}>
      <button
        type="button"
        className="aiplat-TextButton"
        aria-expanded={isOpen}
        ref={button}
        onClick={() => setOpen(!isOpen)}
      >
        {label}
      </button>
      {isOpen && (
        <div className="aiplat-PopoverPanel" role="dialog" aria-label={label}>
          {children}
        </div>
      )}
    </div>
  );
}
