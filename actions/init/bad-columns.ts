import type { PlacedMisfit, TableFormat } from '#lib/data/table-file.ts';
import type { SqlColumn } from '#lib/data/table-io.ts';
import { nearestOf } from '#lib/lifecycle/nearest.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';

const MOST_NAMES = 20;
/** A target with more values than this is no class: text among its numbers is a mistake. */
const MOST_CLASSES = 20;

/** The column of the target, or an error with the names that there are and the one that is nearest. */
export function targetOf(
  columns: readonly SqlColumn[],
  { file, target, format }: { file: string; target: string; format: TableFormat },
): SqlColumn {
  const names = columns.map(({ name }) => name);
  const found = columns.find(({ name }) => name === target);
  if (found !== undefined) return found;
  const listed = names
    .slice(0, MOST_NAMES)
    .map((name) => (name.trim() === name ? name : JSON.stringify(name)));
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  const nearest = nearestOf(target, names);
  throw new UserError(`${file} has no column "${target}"; it has: ${listed.join(', ')}${more}`, {
    fix:
      format.kind === 'csv' && columns.length === 1
        ? `say what stands between its values with --delimiter: "${format.dialect.delimiter}" gives one column`
        : `give one of them as --target${nearest === null ? '' : `; did you mean "${nearest}"?`}`,
  });
}

export type TargetFacts = {
  column: { name: string; kind: string; distinct: number };
  task: string | null;
  misfits: readonly PlacedMisfit[];
};

/** Throws where the target can't be learnt: no value, one value, or text among its numbers. */
export function checkTarget(file: string, { column, task, misfits }: TargetFacts): void {
  const { name, distinct } = column;
  if (distinct < 2) {
    const what = distinct === 0 ? 'has no value in any row' : 'has the same value in every row';
    throw new UserError(`${file}: the target "${name}" ${what}`, {
      fix: 'give another --target, or a file with rows of both kinds',
    });
  }
  const misfit = misfits.find((each) => each.column === name && each.as === 'number');
  const isMeantAsNumber = task === 'regression' || (task === null && distinct > MOST_CLASSES);
  if (misfit === undefined || !isMeantAsNumber) return;
  throw new UserError(
    `${file}: ${placeOf(misfit)}: the target "${name}" is ${quoted(misfit)}, and no number`,
    {
      fix: 'mend the value or leave its cell empty; if these are classes, give --task multiclass',
    },
  );
}

function placeOf({ line, row }: PlacedMisfit): string {
  return line === null ? `row ${row + 1}` : `line ${line}`;
}

function quoted({ value }: PlacedMisfit): string {
  return JSON.stringify(value);
}
