/** Where files lie for the server. */

/** The server's root folder, from Lab's page options: as an address where Lab has one, else as shown to people. */
export function serverRoot(option: (name: string) => string): string {
  const address = option('rootUri');
  return address.startsWith('file://') ? decodeURIComponent(new URL(address).pathname) : option('serverRoot');
}

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
