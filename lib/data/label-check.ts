import { UserError } from '../lifecycle/user-error.ts';
import { type Column, isMissing } from './table.ts';

/** Throws a UserError where labels can teach nothing: a part of the rows has none, or all of them are the same. */
export function checkLabels(
  column: Column,
  {
    file,
    target,
    numericLabel,
    part,
    rows,
  }: {
    file: string;
    target: string;
    numericLabel: boolean;
    /** What the rows are, for the error; `rows` are their numbers. */
    part: string;
    rows: Iterable<number>;
  },
): void {
  const seen = new Set<string | number | null | undefined>();
  for (const row of rows) {
    if (!isMissing(column, row)) seen.add(column.values[row]);
    if (seen.size > 1) return;
  }
  const what = numericLabel ? 'value' : 'class';
  throw new UserError(
    seen.size === 0
      ? `${file}: no row of ${part} has a value of the target "${target}"`
      : `${file}: every row of ${part} has the same ${what} of the target "${target}"`,
    { fix: 'name another target, split in another way, or add rows with other values to the sources' },
  );
}
