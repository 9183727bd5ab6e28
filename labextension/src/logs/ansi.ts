/**
 * Escape sequences in a line's text: those that set colours and weights (SGR, ECMA-48 8.3.117) become runs of a look,
 * all others are dropped.
 */

export type Rgb = readonly [number, number, number];
/** One of the sixteen colours by its number, or a colour of its own. */
export type Colour = number | Rgb;

export interface Look {
  readonly fore?: Colour;
  readonly back?: Colour;
  readonly isBold?: boolean;
  readonly isFaint?: boolean;
  readonly isItalic?: boolean;
  readonly isUnderlined?: boolean;
  readonly isStruck?: boolean;
  readonly isInverse?: boolean;
}

export interface Run {
  readonly text: string;
  readonly look: Look;
}

const PLAIN: Look = {};

/** CSI sequences, OSC strings (ended by BEL or ST), other string sequences, and two-character escapes. */
const ESCAPES =
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b[ -/]*[0-~]?/g;

// eslint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]/g;

/** Split `text` where its look changes. */
export function runsOf(text: string): Run[] {
  const runs: Run[] = [];
  let look = PLAIN;
  let from = 0;
  for (const match of text.matchAll(ESCAPES)) {
    push(runs, text.slice(from, match.index), look);
    from = match.index + match[0].length;
    if (match[2] === 'm') {
      look = changed(look, match[1] ?? '');
    }
  }
  push(runs, text.slice(from), look);
  return runs;
}

/** The text without escapes; what else cannot be printed is shown by its symbol. */
export function plainText(text: string): string {
  return runsOf(text)
    .map(run => run.text)
    .join('');
}

function push(runs: Run[], text: string, look: Look): void {
  if (text !== '') {
    runs.push({ text: text.replace(CONTROLS, symbol), look });
  }
}

function symbol(control: string): string {
  return control === '\x7f' ? '␡' : String.fromCharCode(0x2400 + control.charCodeAt(0));
}

const SIMPLE: Readonly<Record<number, Look>> = {
  1: { isBold: true },
  2: { isFaint: true },
  3: { isItalic: true },
  4: { isUnderlined: true },
  7: { isInverse: true },
  9: { isStruck: true },
  22: { isBold: false, isFaint: false },
  23: { isItalic: false },
  24: { isUnderlined: false },
  27: { isInverse: false },
  29: { isStruck: false },
  39: { fore: undefined },
  49: { back: undefined }
};

function changed(look: Look, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map(code => Number(code || 0));
  let next = look;
  for (let i = 0; i < codes.length;) {
    const [change, used] = changeOf(codes.slice(i));
    next = change === null ? PLAIN : { ...next, ...change };
    i += used;
  }
  return next;
}

/** What the first of `codes` changes (null: everything back to plain), and how many of them it took. */
function changeOf(codes: readonly number[]): [Look | null, number] {
  const [code] = codes;
  if (code === 0) {
    return [null, 1];
  }
  if (code === 38 || code === 48) {
    const [colour, used] = extended(codes);
    return [code === 38 ? { fore: colour } : { back: colour }, used];
  }
  return [SIMPLE[code] ?? sixteen(code), 1];
}

function sixteen(code: number): Look {
  const [tens, ones] = [Math.floor(code / 10), code % 10];
  if (ones > 7) {
    return {};
  }
  const bright = tens === 9 || tens === 10 ? 8 : 0;
  return tens === 3 || tens === 9
    ? { fore: ones + bright }
    : tens === 4 || tens === 10
      ? { back: ones + bright }
      : {};
}

const byte = (value: number | undefined): number => Math.max(0, Math.min(255, value ?? 0));

function extended(codes: readonly number[]): [Colour | undefined, number] {
  if (codes[1] === 2) {
    return [[byte(codes[2]), byte(codes[3]), byte(codes[4])], 5];
  }
  return codes[1] === 5 ? [ofPalette(byte(codes[2])), 3] : [undefined, 2];
}

/** Of the palette of 256: sixteen named, a cube of 6 × 6 × 6, and 24 greys. */
function ofPalette(index: number): Colour {
  if (index < 16) {
    return index;
  }
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return [grey, grey, grey];
  }
  const part = (value: number): number => (value === 0 ? 0 : 55 + value * 40);
  const at = index - 16;
  return [part(Math.floor(at / 36)), part(Math.floor(at / 6) % 6), part(at % 6)];
}
