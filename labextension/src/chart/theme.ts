/** The colours and fonts that a canvas cannot inherit, read from Lab's theme. */

export interface Theme {
  readonly ink: string;
  readonly grid: string;
  readonly grey: string;
  readonly paper: string;
  readonly warn: string;
  readonly font: string;
}

/** The theme in force at `node`. */
export function readTheme(node: Element): Theme {
  const style = getComputedStyle(node);
  const value = (name: string, fallback: string): string => style.getPropertyValue(name).trim() || fallback;
  const paper = value('--jp-layout-color1', '#ffffff');
  return {
    ink: value('--jp-ui-font-color2', '#616161'),
    grid: `color-mix(in srgb, ${value('--jp-border-color2', '#e0e0e0')} 60%, ${paper})`,
    grey: value('--jp-border-color1', '#bdbdbd'),
    paper,
    warn: value('--jp-warn-color1', '#f57c00'),
    font: `11px ${value('--jp-ui-font-family', 'sans-serif')}`
  };
}

/** Call `changed` after each change of Lab's theme, until the answer is called. */
export function watchTheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributeFilter: ['data-jp-theme-name', 'data-jp-theme-light'] });
  return () => observer.disconnect();
}
