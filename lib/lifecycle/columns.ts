/** What is known of one column of a table: counts and ranges, never a row. */
export type ColumnFacts = {
  name: string;
  /** As SQL has it. */
  type: string;
  kind: 'number' | 'text' | 'time';
  integer: boolean;
  distinct: number;
  missing: number;
  /** Of numbers; NaN for others and where there are none. */
  minimum: number;
  maximum: number;
  /** Rows of the most frequent value. */
  top: number;
  /** Rows whose value is shared by ten rows or more, of the 256 most frequent values. Of texts; else 0. */
  common: number;
  /** Mean number of words of a text; 0 for others. */
  words: number;
  /** In the file's order. */
  inFile: Order;
  /** In the order of time; null without one. */
  inTime: Order | null;
};

/** How the values of a column follow each other, as shares of the steps from one row to the next. */
export type Order = { rising: number; falling: number; changing: number };

/** Why a column is no input; or how it is one. */
export type ColumnDecision =
  | { input: true; as: 'number' | 'category' }
  | { input: false; why: LeftOutWhy; reason: string };
export type LeftOutWhy = 'empty' | 'constant' | 'time' | 'identifier' | 'entity' | 'grows' | 'text';

/** A text with at most this many values is a category as it stands; one with more if most rows share theirs. */
export const FEW_VALUES = 64;
/** An integer with at most this many values may be a code. */
const MOST_CODES = 31;
/** Rows that each value of such a code should have, on average. */
const ROWS_OF_A_CODE = 30;

/** What one column is good for on its own, from its facts alone. */
export function decideColumn(facts: ColumnFacts, rows: number): ColumnDecision {
  const { kind, integer, distinct, missing } = facts;
  const known = rows - missing;
  if (distinct === 0) return out('empty', 'it is empty');
  if (distinct === 1 && (missing === 0 || kind === 'number')) return out('constant', 'it has one value');
  const constant = nearlyConstant(facts, rows);
  if (constant !== null) return constant;
  if (kind === 'time')
    return out('time', 'a date or time is no input: make its hour, weekday or age a number in the pipeline');
  if (kind === 'text') return decideText(facts, known);
  const identifier = decideIdentifier(facts, known);
  if (identifier !== null) return identifier;
  const grows = growsWithTime(facts, known);
  if (grows !== null) return grows;
  const few = integer && distinct > 2 && distinct <= MOST_CODES && known >= distinct * ROWS_OF_A_CODE;
  // Nine rows of ten with one value are counts of something rare, such as hours of snow.
  const code = few && facts.top <= 0.9 * known;
  return { input: true, as: code ? 'category' : 'number' };
}

function out(why: LeftOutWhy, reason: string): ColumnDecision {
  return { input: false, why, reason };
}

/** Near-constant: fewer rows than ten, or than one in a thousand, differ from the most frequent value (or lack one). */
function nearlyConstant({ top, missing }: ColumnFacts, rows: number): ColumnDecision | null {
  const others = rows - Math.max(top, missing);
  if (others >= Math.max(10, rows / 1000) || rows < 100) return null;
  const usual = top >= missing ? 'have one value' : 'have none';
  return out('constant', `all but ${others} of ${rows} rows ${usual}`);
}

function decideText(facts: ColumnFacts, known: number): ColumnDecision {
  const { distinct, common, words } = facts;
  if (words >= 4 && distinct > FEW_VALUES) return out('text', `it is free text: ${distinct} different ones`);
  if (distinct >= 0.95 * known)
    return out('identifier', `it names the row: ${distinct} values in ${known} rows`);
  if (distinct > known / 2)
    return out('text', `nearly every row has a text of its own: ${distinct} in ${known} rows`);
  const grows = growsWithTime(facts, known);
  if (grows !== null) return grows;
  if (distinct <= FEW_VALUES || common >= known / 2) return { input: true, as: 'category' };
  const share = Math.floor((100 * common) / known);
  return out(
    'text',
    `it has ${distinct} different texts, and ${share} % of the rows have one that ten rows share`,
  );
}

const NAMED_ID = /(^|[\s_.-])(id|uuid|guid)$/i;
const CAMEL_ID = /[a-z](Id|ID|UUID)$/;

/**
 * Whole numbers that differ on every row name it when they also run with the file, fill their range as a
 * counter does, are as long as an account number, or are called so. A measured number does none of these.
 */
function decideIdentifier(facts: ColumnFacts, known: number): ColumnDecision | null {
  const { name, integer, distinct, minimum, maximum, inFile } = facts;
  if (!integer) return null;
  const named = NAMED_ID.test(name) || CAMEL_ID.test(name);
  if (known >= 20 && distinct >= 0.999 * known) {
    const runs = Math.max(inFile.rising, inFile.falling) > 0.99;
    const dense = maximum - minimum < 2 * known;
    if (runs || dense || named || Math.min(Math.abs(minimum), Math.abs(maximum)) >= 1e7)
      return out('identifier', `it names the row: ${distinct} whole numbers in ${known} rows`);
  }
  if (!named || distinct <= MOST_CODES) return null;
  return out(
    'entity',
    `its name and its ${distinct} values say that it names somebody or something: if rows of one belong together, say \`unit: { group: … }\``,
  );
}

/** What lies in one stretch of time each, or only grows, has other values in all rows to come. */
function growsWithTime({ inTime, distinct, kind }: ColumnFacts, known: number): ColumnDecision | null {
  if (inTime === null || distinct < 2 || known < 20) return null;
  const { rising, falling, changing } = inTime;
  const monotone = kind === 'number' && (rising === 1 || falling === 1);
  const stretches = distinct < known / 2 && changing * (known - 1) <= distinct - 1;
  if (!monotone && !stretches) return null;
  return out(
    'grows',
    'it goes with the time and never comes back: rows to come have values that none was trained on',
  );
}

/** One column of 0 and 1 per value: more than this, or than a twentieth of the rows, is more than is learnt from. */
const MOST_CODE_COLUMNS = 256;

/**
 * Codes or amounts? A few columns of small whole numbers are codes, such as weekdays; very many of them are
 * amounts, such as the pixels of an image. All of them are taken alike. `widths`: values of each such column.
 */
export function codesAreCategories(widths: readonly number[], rows: number): boolean {
  const width = widths.reduce((sum, one) => sum + one, 0);
  return width <= Math.min(MOST_CODE_COLUMNS, Math.max(FEW_VALUES, rows / 20));
}
