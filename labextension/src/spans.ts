/** Lengths of time as people type them. */

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400 };

/** `90`, `90s`, `15m`, `2h`, `1d` in seconds; null for what is none of that. */
export function secondsOf(text: string): number | null {
  const [, number = '', unit = 's'] = /^(\d+(?:\.\d+)?)\s*([smhd])?$/.exec(text.trim()) ?? [];
  return number === '' ? null : Number(number) * (UNITS[unit] ?? NaN);
}

/** The shortest that means so many seconds: `90s`, `10m`, `2h`; nothing for 0. */
export function spanInput(seconds: number): string {
  if (seconds === 0) {
    return '';
  }
  const [unit, size] =
    Object.entries(UNITS)
      .reverse()
      .find(([, size]) => seconds % size === 0) ?? (['s', 1] as const);
  return `${seconds / size}${unit}`;
}
