import { type Column, columnOf, type Table } from '../data/table.ts';
import type { Task } from '../lifecycle/problem.ts';
import { UserError } from '../lifecycle/user-error.ts';

/** A label as data holds it. `true` of a task and `true` of a text column are the same class. */
export type ClassLabel = string | number;

/** The classes of a task in the order of the model's probabilities: ascending, and for binary [negative, positive]. */
export function classesOf(table: Table, target: string, task: Task): ClassLabel[] | null {
  if (task.kind === 'regression') return null;
  const column = labelColumn(table, target);
  const found = new Set<ClassLabel>();
  for (let row = 0; row < table.rows; row++) found.add(labelAt(column, row, target));
  const classes = [...found].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (classes.length < 2)
    throw new UserError(`the target "${target}" has one class only: ${classes.join('')}`, {
      fix: 'train on rows that hold every class: widen the window or change the pipeline',
    });
  return task.kind === 'multiclass' ? classes : positiveLast(classes, String(task.positive), target);
}

function positiveLast(classes: ClassLabel[], positive: string, target: string): ClassLabel[] {
  const [first = '', second = ''] = classes;
  if (classes.length > 2 || !classes.map(String).includes(positive))
    throw new UserError(
      `a binary target has two classes, one of them "${positive}"; "${target}" has ${classes.slice(0, 5).join(', ')}`,
      { fix: 'correct `task.positive` in problem.yml, or the target in the pipeline' },
    );
  return String(second) === positive ? [first, second] : [second, first];
}

/** Index of each row's class. A class that the model does not know is -1. */
export function classIndices(
  table: Table,
  target: string,
  classes: readonly (string | number | boolean)[],
): Int32Array {
  const column = labelColumn(table, target);
  const indexOf = new Map(classes.map((label, index) => [String(label), index]));
  return Int32Array.from(
    { length: table.rows },
    (_, row) => indexOf.get(String(labelAt(column, row, target))) ?? -1,
  );
}

/** The target of a regression. */
export function targetNumbers(table: Table, target: string): Float64Array {
  const column = labelColumn(table, target);
  if (column.kind !== 'number')
    throw new UserError(`the target "${target}" is text, and the task is a regression`, {
      fix: `cast it in the pipeline: CAST("${target}" AS DOUBLE)`,
    });
  for (let row = 0; row < table.rows; row++) labelAt(column, row, target);
  return column.values;
}

type LabelColumn = Exclude<Column, { kind: 'time' }>;

function labelColumn(table: Table, target: string): LabelColumn {
  const column = columnOf(table, target);
  if (column.kind !== 'time') return column;
  throw new UserError(`the target "${target}" is a timestamp`, { fix: 'predict a number or a class' });
}

function labelAt(column: LabelColumn, row: number, target: string): ClassLabel {
  const label = column.values[row] ?? null;
  if (label !== null && !Number.isNaN(label)) return label;
  throw new UserError(`row ${row + 1} has no target "${target}"`, {
    fix: `leave such rows out in the pipeline: WHERE "${target}" IS NOT NULL`,
  });
}
