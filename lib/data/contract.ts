import type { Data } from '../lifecycle/data.ts';
import type { ColumnRule } from '../lifecycle/data-contract.ts';
import { type Reason, type Verdict, worstOf } from '../lifecycle/verdict.ts';
import { type Column, isMissing, type Table } from './table.ts';

export type ContractResult = { verdict: Verdict; reasons: Reason[] };

type Finding = { rule: string; expected: string; actual: string; held: boolean | null };

/**
 * Checks the contract on the pipeline's output. A broken rule of severity `error` fails it. A broken rule of
 * severity `warning` is told as a reason and never worsens the verdict. A rule on a column that the output
 * lacks can't be checked: inconclusive, or failed where the column is required. Reasons hold counts, never
 * values; rules that hold are counted in one reason.
 *
 * @param needed Rows that problem.yml asks for (`data.min_rows`); 0 = any number.
 * @param types SQL types by column name, for `boolean`, which has no kind of its own in memory.
 */
export function checkContract({
  contract,
  needed,
  table,
  types,
}: {
  contract: Data['contract'];
  needed: number;
  table: Table;
  types: ReadonlyMap<string, string>;
}): ContractResult {
  const reasons: Reason[] = [];
  let held = 0;
  const tell = (where: string, severity: ColumnRule['severity'], finding: Finding) => {
    if (finding.held === true) held += 1;
    else reasons.push(reasonOf(where, severity, finding));
  };
  tell('output', 'error', enoughRows('rows.minimum', contract.rows.minimum, table));
  if (needed > 0) tell('output', 'error', enoughRows('data.min_rows of problem.yml', needed, table));
  for (const [name, rule] of Object.entries(contract.columns)) {
    const column = table.columns.get(name);
    const findings = column ? checkColumn({ rule, column, type: types.get(name) ?? '' }) : [absent(rule)];
    for (const finding of findings) tell(`column ${name}`, rule.severity, finding);
  }
  if (held > 0)
    reasons.push({
      rule: 'contract',
      verdict: 'passed',
      expected: 'every rule holds',
      actual: `rules that hold: ${held}`,
      where: 'output',
    });
  return { verdict: worstOf(reasons.map(({ verdict }) => verdict)), reasons };
}

function reasonOf(where: string, severity: ColumnRule['severity'], finding: Finding): Reason {
  const { rule, expected, actual, held } = finding;
  if (severity === 'warning')
    return { rule: `${rule} (warning)`, verdict: 'passed', expected, actual, where };
  return { rule, verdict: held === null ? 'inconclusive' : 'failed', expected, actual, where };
}

function enoughRows(rule: string, least: number, { rows }: Table): Finding {
  return { rule, expected: `at least ${least} rows`, actual: `${rows} rows`, held: rows >= least };
}

function absent({ required, type }: ColumnRule): Finding {
  return { rule: 'type', expected: type, actual: 'no such column', held: required ? false : null };
}

type Checked = { rule: ColumnRule; column: Column; type: string };

function checkColumn(checked: Checked): Finding[] {
  const { rule, column, type } = checked;
  const typed = hasType(checked);
  const findings: Finding[] = [{ rule: 'type', expected: rule.type, actual: type, held: typed }];
  if (rule.required)
    findings.push(counted('required', 'no missing values', column, (row) => isMissing(column, row)));
  if (rule.unique) findings.push(unique(column));
  if (!typed) return findings;
  const { minimum, maximum, values } = rule;
  const numbers = column.kind === 'number' ? column.values : null;
  if (minimum !== undefined && numbers)
    findings.push(
      counted('minimum', `at least ${minimum}`, column, (row) => (numbers[row] ?? minimum) < minimum),
    );
  if (maximum !== undefined && numbers)
    findings.push(
      counted('maximum', `at most ${maximum}`, column, (row) => (numbers[row] ?? maximum) > maximum),
    );
  if (values !== undefined) {
    const known = new Set(values.map(String));
    const strange = (row: number) => !isMissing(column, row) && !known.has(String(column.values[row]));
    findings.push(counted('values', `one of ${known.size} values`, column, strange));
  }
  return findings;
}

function hasType({ rule, column, type }: Checked): boolean {
  switch (rule.type) {
    case 'integer':
      return (
        column.kind === 'number' &&
        (column.integer || column.values.every((v) => Number.isNaN(v) || Number.isInteger(v)))
      );
    case 'number':
      return column.kind === 'number';
    case 'timestamp':
      return column.kind === 'time';
    case 'boolean':
      return type === 'BOOLEAN';
    case 'string':
      return column.kind === 'text' && type !== 'BOOLEAN';
  }
}

function counted(rule: string, expected: string, column: Column, broken: (row: number) => boolean): Finding {
  const rows = column.values.length;
  let count = 0;
  for (let row = 0; row < rows; row += 1) if (broken(row)) count += 1;
  return { rule, expected, actual: `${count} of ${rows} rows break it`, held: count === 0 };
}

function unique(column: Column): Finding {
  const seen = new Set<string | number | null | undefined>();
  return counted('unique', 'no repeated values', column, (row) => {
    if (isMissing(column, row)) return false;
    const value = column.values[row];
    if (seen.has(value)) return true;
    seen.add(value);
    return false;
  });
}
