import { probabilitiesOf } from '#lib/data/prediction-log.ts';
import { type Column, columnOf, isMissing, rowsWhere, type Table } from '#lib/data/table.ts';
import type { Signature } from '#lib/lifecycle/bundle.ts';
import type { Problem } from '#lib/lifecycle/problem.ts';
import type { Prediction } from './predictor-types.ts';

type Classes = Signature['classes'];

/** What bytes answered to rows, in the columns that a snapshot of the prediction log has. */
export function loggedAnswers({ values, width }: Prediction, classes: Classes): Map<string, Column> {
  const rows = values.length / width;
  const last = Float64Array.from({ length: rows }, (_, row) => values[(row + 1) * width - 1] ?? Number.NaN);
  const columns = new Map<string, Column>([['prediction', { kind: 'number', values: last, integer: false }]]);
  if (classes === null) return columns;
  const texts = Array.from({ length: rows }, (_, row) =>
    probabilitiesOf(classes, values.subarray(row * width, (row + 1) * width)),
  );
  return columns.set('probabilities', { kind: 'text', values: texts });
}

/** Rows whose answer is known in full. Logs of older servers do not say what the answers of a multiclass model meant. */
export function answeredRows(table: Table, { task }: Pick<Problem, 'task'>): Table {
  if (task.kind !== 'multiclass') return table;
  const column = table.columns.get('probabilities');
  return rowsWhere(table, (row) => column !== undefined && !isMissing(column, row));
}

/** Answers of `answeredRows`, row-major: a number, or a probability per class in the order of `classes`. */
export function servedAnswers(
  table: Table,
  { task }: Pick<Problem, 'task'>,
  classes: Classes,
): ArrayLike<number> {
  const column = columnOf(table, 'prediction');
  if (column.kind === 'text') throw new Error('the column prediction of a snapshot holds numbers');
  if (task.kind === 'regression' || classes === null) return column.values;
  const answers = new Float64Array(table.rows * classes.length);
  const known = probabilitiesAt(table);
  for (let row = 0; row < table.rows; row++) {
    const given = known(row);
    const positive = column.values[row] ?? Number.NaN;
    const cells = given ? classes.map((name) => given[String(name)] ?? 0) : [1 - positive, positive];
    answers.set(cells, row * classes.length);
  }
  return answers;
}

/** The most probable class of each row: what drift of a multiclass model's answers is looked for in. */
export function predictedClasses(table: Table): Column {
  const known = probabilitiesAt(table);
  const values = Array.from({ length: table.rows }, (_, row) => {
    const entries = Object.entries(known(row) ?? {});
    return entries.toSorted((one, other) => other[1] - one[1])[0]?.[0] ?? null;
  });
  return { kind: 'text', values };
}

function probabilitiesAt(table: Table): (row: number) => Record<string, number> | null {
  const column = table.columns.get('probabilities');
  if (column?.kind !== 'text') return () => null;
  return (row) => {
    const text = column.values[row] ?? null;
    return text === null ? null : (JSON.parse(text) as Record<string, number>);
  };
}
