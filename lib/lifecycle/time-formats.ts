/** Days as people write them, in the words of strptime; those that are read in two ways stand next to each other. */
const DAYS = [
  '%Y-%m-%d',
  '%Y/%m/%d',
  '%Y.%m.%d',
  '%Y%m%d',
  '%d/%m/%Y',
  '%m/%d/%Y',
  '%d-%m-%Y',
  '%m-%d-%Y',
  '%d.%m.%Y',
  '%d/%m/%y',
  '%m/%d/%y',
  '%d-%m-%y',
  '%m-%d-%y',
  '%d.%m.%y',
  '%d %b %Y',
  '%d %B %Y',
  '%d-%b-%Y',
  '%d-%b-%y',
  '%d. %B %Y',
  '%b %d, %Y',
  '%B %d, %Y',
  '%b %d %Y',
  '%B %d %Y',
  '%a, %d %b %Y',
  '%Y-%b-%d',
];
const CLOCKS = ['%H:%M:%S', '%H:%M', '%H:%M:%S.%f', '%I:%M:%S %p', '%I:%M %p', '%I:%M%p', '%H'];
const MONTHS = ['%Y-%m', '%Y/%m', '%m/%Y', '%b %Y', '%B %Y', '%b-%y', '%b-%Y'];

/** Every form of a time that is tried on a column of texts. */
const TIME_FORMATS: readonly string[] = [
  ...DAYS,
  ...DAYS.flatMap((day) =>
    CLOCKS.flatMap((clock) => [
      `${day} ${clock}`,
      `${day}T${clock}`,
      `${day} ${clock}%z`,
      `${day}T${clock}%z`,
      `${day} ${clock} %z`,
    ]),
  ),
  ...DAYS.flatMap((day) => CLOCKS.map((clock) => `${day}T${clock}Z`)),
  ...MONTHS,
];

export function hasOffset(format: string): boolean {
  return format.includes('%z');
}

const WORDS: Record<string, string> = {
  '%Y': 'yyyy',
  '%y': 'yy',
  '%m': 'mm',
  '%d': 'dd',
  '%b': 'Mon',
  '%B': 'Month',
  '%a': 'Day',
  '%H': 'hh',
  '%I': 'hh',
  '%M': 'mm',
  '%S': 'ss',
  '%f': 'fraction',
  '%p': 'am/pm',
  '%z': '+hh:mm',
};

/** `dd/mm/yyyy hh:mm` for `%d/%m/%Y %H:%M`. */
export function formatWords(format: string): string {
  return format.replace(/%[A-Za-z]/g, (part) => WORDS[part] ?? part);
}

export type FormatFacts = {
  format: string;
  /** Share of the texts that it reads. */
  reads: number;
  /** Share of steps from one row to the next that don't go back in time, read so. */
  rising: number;
};

export type FormatDecision =
  | { kind: 'read'; format: string; note: string | null }
  | { kind: 'ambiguous'; formats: [string, string] }
  | { kind: 'broken'; format: string }
  | { kind: 'unknown' };

/** A form that reads this share of the texts is the one that was meant, and the rest are mistakes. */
const MEANT = 0.8;

/**
 * The form that reads every text. Of two that do, such as day first and month first, the one in which the file
 * runs forward in time while it jumps about in the other; where both do or none, nobody can tell.
 */
export function decideFormat(facts: readonly FormatFacts[]): FormatDecision {
  const whole = facts.filter(({ reads }) => reads === 1);
  if (whole.length === 0) {
    const [best] = facts.toSorted((a, b) => b.reads - a.reads);
    return best !== undefined && best.reads >= MEANT
      ? { kind: 'broken', format: best.format }
      : { kind: 'unknown' };
  }
  const [first, second] = whole.toSorted((a, b) => b.rising - a.rising);
  if (first === undefined || second === undefined)
    return { kind: 'read', format: whole[0]?.format ?? '', note: null };
  if (first.rising < 0.99 || second.rising > 0.95)
    return { kind: 'ambiguous', formats: [first.format, second.format] };
  const note = `it fits ${formatWords(first.format)} and ${formatWords(second.format)}; read in the first way the file runs forward in time`;
  return { kind: 'read', format: first.format, note };
}

const SHAPES: Record<string, string> = {
  '%Y': '\\d{4}',
  '%y': '\\d{2}',
  '%b': '[A-Za-z]{3}',
  '%B': '[A-Za-z]+',
  '%a': '[A-Za-z]{3}',
  '%f': '\\d{1,9}',
  '%p': '[AaPp][Mm]',
  '%z': '[+-]\\d{2}(:?\\d{2})?',
};

/** The forms that some of these texts have the shape of: what they read is for strptime to say. */
export function formatsShapedLike(texts: readonly string[]): string[] {
  return TIME_FORMATS.filter((format) => {
    const pattern = format.replace(
      /%[A-Za-z]|[.+]/g,
      (part) => SHAPES[part] ?? (part.startsWith('%') ? '\\d{1,2}' : `\\${part}`),
    );
    const shape = new RegExp(`^\\s*${pattern}\\s*$`);
    return texts.some((text) => shape.test(text));
  });
}
