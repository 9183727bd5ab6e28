/** The language that the page shows, for `Intl`. */
export function locale(): string {
  return document.documentElement.lang || 'en';
}
