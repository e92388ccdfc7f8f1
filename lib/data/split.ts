import type { Data } from '../lifecycle/data.ts';
import { durationMs } from '../lifecycle/duration.ts';
import { UserError } from '../lifecycle/user-error.ts';

/**
 * train: rows of the twin that fit it; validation: rows of the twin that search is judged on; full: all rows
 * of the window, for the refit; recent: the holdout that decides. Embargoed rows are in `full` alone.
 */
export const SPLIT_PARTS = ['train', 'validation', 'full', 'recent'] as const;
type SplitPart = (typeof SPLIT_PARTS)[number];

/** Fewer rows can neither be fitted nor judged. */
export const MINIMUM_ROWS = 20;

export type SplitFacts = {
  policy: Pick<Data, 'split' | 'window'>;
  /** Key digest of each row. */
  keys: readonly string[];
  /** Milliseconds since the epoch, none missing; null where rows have no time. */
  times: Float64Array | null;
  /** Rows without a label are in no part. */
  labelled: (row: number) => boolean;
};

type Span = { from: number; until: number };

export type Assignment = {
  /** Row numbers of each part, ascending. */
  parts: Record<SplitPart, Int32Array>;
  /** [from, until) in milliseconds; null without time. */
  window: Span | null;
  notes: string[];
};

/** Which rows train and which judge: a pure function of each row's key or time and of the policy. */
export function splitRows(facts: SplitFacts): Assignment {
  const window = windowOf(facts);
  const partsOf = facts.policy.split.by === 'time' ? byTime(facts, window) : byKey(facts);
  const rows: Record<SplitPart, number[]> = { train: [], validation: [], full: [], recent: [] };
  const left = { outside: 0, unlabelled: 0, embargo: 0 };
  for (let row = 0; row < facts.keys.length; row += 1) {
    if (window && !inside(window, facts.times?.[row])) left.outside += 1;
    else if (!facts.labelled(row)) left.unlabelled += 1;
    else {
      const part = partsOf(row);
      rows.full.push(row);
      if (part === null) left.embargo += 1;
      else rows[part].push(row);
    }
  }
  const counts = SPLIT_PARTS.map((part) => `${part} ${rows[part].length}`).join(', ');
  const small = SPLIT_PARTS.filter((part) => rows[part].length < MINIMUM_ROWS);
  if (small.length > 0) throw tooSmall({ small, counts, left, window });
  return {
    parts: {
      train: Int32Array.from(rows.train),
      validation: Int32Array.from(rows.validation),
      full: Int32Array.from(rows.full),
      recent: Int32Array.from(rows.recent),
    },
    window,
    notes: notesOf(left),
  };
}

function windowOf({ policy, times }: SplitFacts): Span | null {
  if (times === null) {
    if (policy.window === 'all' && policy.split.by === 'key') return null;
    throw new UserError('data.yml: a window or a split by time needs the time of each row', {
      fix: 'name a timestamp column of the output under `time:`, or use `window: all` and `split: {by: key, …}`',
    });
  }
  if (policy.window !== 'all') {
    const until = Date.parse(policy.window.until);
    return { from: until - durationMs(policy.window.last), until };
  }
  let from = Number.POSITIVE_INFINITY;
  let newest = Number.NEGATIVE_INFINITY;
  for (const time of times) {
    from = Math.min(from, time);
    newest = Math.max(newest, time);
  }
  // The window is open at its end, and the newest row is inside.
  return { from, until: newest + 1 };
}

function inside(window: Span, time: number | undefined): boolean {
  return time !== undefined && time >= window.from && time < window.until;
}

type PartOf = (row: number) => Exclude<SplitPart, 'full'> | null;

function byTime({ policy, times }: SplitFacts, window: Span | null): PartOf {
  if (policy.split.by !== 'time' || times === null || window === null) return () => null;
  const recent = window.until - durationMs(policy.split.recent);
  const embargo = recent - durationMs(policy.split.embargo);
  const validation = embargo - durationMs(policy.split.validation);
  return (row) => {
    const time = times[row] ?? Number.NaN;
    if (time >= recent) return 'recent';
    if (time >= embargo) return null;
    return time >= validation ? 'validation' : 'train';
  };
}

const SHARE_BITS = 48;

function byKey({ policy, keys }: SplitFacts): PartOf {
  const { split } = policy;
  if (split.by !== 'key') return () => null;
  return (row) => {
    const share = Number.parseInt((keys[row] ?? '').slice(0, SHARE_BITS / 4), 16) / 2 ** SHARE_BITS;
    if (share < split.recent) return 'recent';
    return share < split.recent + split.validation ? 'validation' : 'train';
  };
}

type Left = { outside: number; unlabelled: number; embargo: number };

function notesOf({ outside, unlabelled, embargo }: Left): string[] {
  const note = (count: number, text: string) => (count === 0 ? [] : [`${count} ${text}`]);
  return [
    ...note(outside, 'rows lie outside the window'),
    ...note(unlabelled, 'rows of the window have no label and are in no part'),
    ...note(embargo, 'embargoed rows are used by the refit alone'),
  ];
}

type Smallness = { small: readonly SplitPart[]; counts: string; left: Left; window: Span | null };

function tooSmall({ small, counts, left, window }: Smallness): UserError {
  const span = window ? ` in the window ${isoOf(window.from)} to ${isoOf(window.until)}` : '';
  return new UserError(
    `data.yml: too few rows for ${small.join(', ')}${span}: ${counts}; ${left.outside} rows outside the window, ${left.unlabelled} without a label; at least ${MINIMUM_ROWS} are needed in each`,
    { fix: 'widen `window`, shorten `recent`, `embargo` or `validation` under `split`, or add sources' },
  );
}

function isoOf(time: number): string {
  return new Date(time).toISOString();
}
