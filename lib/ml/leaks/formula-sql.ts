import { columnOf, type Table } from '#lib/data/table.ts';
import { quoteName } from '#lib/data/table-io.ts';
import type { LeakFinding, Term } from '#lib/lifecycle/leaks.ts';
import { toleranceOf } from './tolerance.ts';

type Formula = Extract<LeakFinding, { terms: Term[] }>;

/** SQL that is true on the rows where a formula gives the target; NULL where a part is missing. `sample` sets the tolerance. */
export function leakFormula({ kind, terms, constant }: Formula, sample: Table, target: string): string {
  const column = columnOf(sample, target);
  if (column.kind !== 'number')
    throw new Error(`a formula has a number for its target, and "${target}" is none`);
  const parts = terms.map(({ column: name, coefficient }) =>
    kind === 'sum'
      ? `${coefficient} * ${quoteName(name)}::double`
      : `pow(${quoteName(name)}::double, ${coefficient})`,
  );
  const value = [`${constant}::double`, ...parts].join(kind === 'sum' ? ' + ' : ' * ');
  return `abs(${value} - ${quoteName(target)}::double) <= ${toleranceOf(column.values)}`;
}
