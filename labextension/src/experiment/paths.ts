/** Where files lie for the server. */

/**
 * The path of `file` relative to the server's root, as Jupyter's own commands take it; null if it lies elsewhere. Lab
 * writes a root in the user's home with `~`.
 */
export function pathBelow(file: string, root: string): string | null {
  if (!file.startsWith('/')) {
    return file;
  }
  const folder = `${root.replace(/\/$/, '')}/`;
  if (file.startsWith(folder)) {
    return file.slice(folder.length);
  }
  const home = /^\/(?:root|(?:home|Users)\/[^/]+)/.exec(file)?.[0];
  const below = home && folder.startsWith('~/') ? home + folder.slice(1) : null;
  return below && file.startsWith(below) ? file.slice(below.length) : null;
}
