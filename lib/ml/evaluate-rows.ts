import { keyDigests } from '#lib/data/content.ts';
import { type Table, take } from '#lib/data/table.ts';
import type { HoldoutResult } from '#lib/lifecycle/evidence.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';

/** A larger overlap is no embargo gone wrong by a day: the holdout then says nothing about a model. */
const MAX_SEEN = 0.2;

export type Rows = {
  candidate: Table;
  /** The same rows in the same order, through the champion's pipeline; null where it can't be judged. */
  champion: Table | null;
  dropped: HoldoutResult['dropped'];
};

export type Contenders = {
  key: readonly string[];
  candidate: Table;
  /** Keys of the rows that the judged bytes were trained on. */
  trained: ReadonlySet<string>;
  champion: { table: Table; seen: ReadonlySet<string> } | null;
  /** The anchor is frozen: a later training window may reach into it, and then fewer rows judge. */
  frozen: boolean;
};

/**
 * The holdout's rows that may judge: kept by both pipelines and used for training by neither model. A champion
 * that was trained on more than a fifth of them is left out, because what it says of them is no forecast; a
 * candidate that was is refused.
 */
export function joinRows({ key, candidate, trained, champion, frozen }: Contenders): Rows {
  const keys = keyDigests(candidate, key);
  const usable = keys.map((digest) => !trained.has(digest));
  const known = keys.length - usable.filter(Boolean).length;
  if (known > keys.length * MAX_SEEN && !frozen) {
    throw new UserError(
      `the candidate was trained on ${known} of the ${keys.length} rows that are to judge it`,
      {
        fix: 'the key of data.yml must name one row, and `split` must keep the holdout out of training',
      },
    );
  }
  const all = take(candidate, { rows: rowsWhere(usable), columns: [...candidate.columns.keys()] });
  const alone: Rows = { candidate: all, champion: null, dropped: { candidate: 0, champion: 0, seen: known } };
  if (champion === null) return alone;
  const place = new Map(keyDigests(champion.table, key).map((digest, row) => [digest, row]));
  const inBoth = keys.filter((digest) => place.has(digest)).length;
  const seen = keys.map((digest) => place.has(digest) && champion.seen.has(digest));
  if (seen.filter(Boolean).length > keys.length * MAX_SEEN) return alone;
  const kept = keys.map((digest, row) => usable[row] === true && !seen[row] && place.has(digest));
  const rows = rowsWhere(kept);
  const partners = Int32Array.from(rows, (row) => place.get(keys[row] ?? '') ?? 0);
  return {
    candidate: take(candidate, { rows, columns: [...candidate.columns.keys()] }),
    champion: take(champion.table, { rows: partners, columns: [...champion.table.columns.keys()] }),
    dropped: { candidate: place.size - inBoth, champion: keys.length - inBoth, seen: inBoth - rows.length },
  };
}

function rowsWhere(flags: readonly boolean[]): Int32Array {
  return Int32Array.from(flags.flatMap((flag, row) => (flag ? [row] : [])));
}
