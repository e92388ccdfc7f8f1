/** Texts that stand for nothing, whatever the column: a value was to be there. Compared in lower case, trimmed. */
export const ABSENCES = ['na', 'n/a', '#n/a', 'null', '(null)', 'nan', '?', '-', '--', 'nil'] as const;
/** Texts that may be an answer: "unknown" is what somebody said. */
export const ANSWERS = ['unknown', 'none', 'missing', 'not available', 'not known'] as const;

export type CodeFacts = {
  column: string;
  /** As written, with the rows that have them. */
  codes: { code: string; rows: number }[];
  /** All other values are numbers. */
  numbers: boolean;
  /** All other values are two or three capitals or digits, letters most of all, as codes of countries and airlines are. */
  abbreviations: boolean;
  /** It is what is predicted. */
  target: boolean;
};

/** Of one column: the codes that are read as missing, and those that stay as values. */
export type CodeDecision = { column: string; applied: string[]; kept: string[] };

/**
 * In a column of numbers every such text is a missing value. In a column of texts an absence is missing, and
 * "unknown" stays a value of its own, which the model may learn from; so does NA among abbreviations, where it
 * is Namibia, North America or an airline. A target's "unknown" is a class until a person says that it is none.
 */
export function decideCodes({ column, codes, numbers, abbreviations }: CodeFacts): CodeDecision {
  const isApplied = (code: string) => {
    if (numbers) return true;
    const folded = code.trim().toLowerCase();
    if (abbreviations && /^[A-Z]{2,3}$/.test(code.trim())) return false;
    return ABSENCES.some((absence) => absence === folded);
  };
  const all = codes.map(({ code }) => code);
  return { column, applied: all.filter(isApplied), kept: all.filter((code) => !isApplied(code)) };
}

/** Numbers of nines are what people write for "no value". */
export function mayBeSentinel(value: number): boolean {
  return /^-?9{2,7}$/.test(String(value));
}

export type SentinelFacts = {
  column: string;
  /** It is what is predicted. */
  target: boolean;
  value: number;
  /** Rows that have it. */
  rows: number;
  /** Rows with another number, and the range of these. */
  others: number;
  /** Different values of these. */
  distinct: number;
  minimum: number;
  maximum: number;
};

export type SentinelDecision = {
  column: string;
  value: number;
  rows: number;
  applied: boolean;
  reason: string;
};

/** How many times the whole range of the others a sentinel lies away from the nearest of them. */
const FAR = 1;
const LEAST_ROWS = 5;
/** A target with no more values than this has classes, and 99 may be one. */
const MOST_CLASSES = 20;

/**
 * Nines far outside the rest. Applied where nothing else is likely: five rows at least have the same value, it
 * is further from the others than they are from each other, and they are the most. Null where it is none.
 */
export function decideSentinel(facts: SentinelFacts): SentinelDecision | null {
  const { column, target, value, rows, others, distinct, minimum, maximum } = facts;
  if (!mayBeSentinel(value) || others === 0 || rows === 0) return null;
  const gap = value > maximum ? value - maximum : minimum - value;
  if (gap <= FAR * (maximum - minimum)) return null;
  const range = `the other ${others} rows lie in ${minimum} to ${maximum}`;
  const tell = (applied: boolean, why: string) => ({
    column,
    value,
    rows,
    applied,
    reason: `${range}; ${why}`,
  });
  if (target && distinct <= MOST_CLASSES) return tell(false, 'it may be a class');
  if (rows < LEAST_ROWS) return tell(false, `${rows} rows are too few to be sure`);
  if (rows >= others) return tell(false, 'most rows have it, so it may say something');
  return tell(true, 'it is far from all of them');
}
