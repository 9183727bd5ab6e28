/** What the view asks of a translator; Lab's bundles have it. Named `trans`, so that a test finds the strings. */
export interface Trans {
  __(text: string, ...places: unknown[]): string;
}
