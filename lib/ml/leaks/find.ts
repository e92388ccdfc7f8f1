import { type Column, columnOf, isMissing, type Table, timesOf } from '#lib/data/table.ts';
import type { LeakFinding, SingleMeasure } from '#lib/lifecycle/leaks.ts';
import type { Task } from '#lib/lifecycle/problem.ts';
import { type Halves, scoreClasses, scoreNumbers } from './single.ts';
import { findProducts, findSums } from './sums.ts';

export type LeakQuestion = {
  task: Pick<Task, 'kind'>;
  target: string;
  /** Columns that are looked at: numbers and texts; others are passed over. */
  columns: readonly string[];
  /** Columns of any kind of which only that is looked at whether a row has a value. */
  presences: readonly string[];
  /** The time of rows; null where they have none. Then earlier rows are held against later ones. */
  time: string | null;
};

const MOST_ROWS = 20_000;
/** Fewer rows on either side say nothing. */
const LEAST_ROWS = 50;
const HELD_OUT = 0.3;

/**
 * Everything in the columns that gives the target away, judged by nobody yet (`judgeLeaks`). Columns of a sum
 * or product are not scored again alone. The same table and question give the same findings.
 */
export function findLeaks(table: Table, question: LeakQuestion): LeakFinding[] {
  const target = columnOf(table, question.target);
  const formulas = formulasOf(table, target, question);
  const told = new Set(
    formulas.flatMap((found) => ('terms' in found ? found.terms.map(({ column }) => column) : [])),
  );
  const alone = question.columns.filter((name) => !told.has(name));
  return [...formulas, ...singlesOf(table, target, { ...question, columns: alone })];
}

/** Of numbers, two-valued ones among them: what a model makes of a class's texts is no sum. */
function formulasOf(table: Table, target: Column, { task, columns }: LeakQuestion): LeakFinding[] {
  if (target.kind !== 'number' || task.kind === 'multiclass') return [];
  const numbers = new Map<string, Float64Array>();
  for (const name of columns) {
    const column = columnOf(table, name);
    if (column.kind === 'number') numbers.set(name, column.values);
  }
  const sums = findSums(numbers, target.values);
  return sums.length > 0 ? sums : findProducts(numbers, target.values);
}

function singlesOf(table: Table, target: Column, question: LeakQuestion): LeakFinding[] {
  const halves = halvesOf(table, target, question);
  if (halves === null) return [];
  const judge = judgeOf(target, question, halves);
  if (judge === null) return [];
  const { measure } = judge;
  const forward = question.time !== null;
  const found = question.columns.flatMap((column): LeakFinding[] => {
    const values = columnOf(table, column);
    if (values.kind === 'time') return [];
    return [{ kind: 'single', column, measure, score: judge.score(values), forward, presence: false }];
  });
  const presences = question.presences.map((column): LeakFinding => {
    const score = judge.score(presenceOf(columnOf(table, column)));
    return { kind: 'single', column, measure, score, forward, presence: true };
  });
  return [...found, ...presences];
}

function presenceOf(column: Column): Column {
  const has = Float64Array.from({ length: column.values.length }, (_, row) =>
    isMissing(column, row) ? 0 : 1,
  );
  return { kind: 'number', integer: true, values: has };
}

type Judge = { measure: SingleMeasure; score: (column: Column) => number };

function judgeOf(target: Column, { task }: LeakQuestion, halves: Halves): Judge | null {
  if (task.kind === 'regression') {
    if (target.kind !== 'number') return null;
    return { measure: 'r2', score: (column) => scoreNumbers(column, target.values, halves) };
  }
  const { classes, width } = indicesOf(target, halves);
  if (width < 2) return null;
  return {
    measure: width === 2 ? 'auc' : 'gain',
    score: (column) => scoreClasses(column, classes, { halves, width }),
  };
}

/** Class indices in order of appearance, over the rows of both halves. */
function indicesOf(target: Column, { train, test }: Halves): { classes: Int32Array; width: number } {
  const numbers = new Map<unknown, number>();
  const classes = new Int32Array(target.values.length);
  for (const row of [...train, ...test]) {
    const value = target.values[row];
    const index = numbers.get(value) ?? numbers.size;
    numbers.set(value, index);
    classes[row] = index;
  }
  return { classes, width: numbers.size };
}

/** Labelled rows in two: the earlier against the later where there is a time, else spread evenly and by chance. */
function halvesOf(table: Table, target: Column, { time }: LeakQuestion): Halves | null {
  const step = Math.max(1, Math.ceil(table.rows / MOST_ROWS));
  const rows: number[] = [];
  for (let row = 0; row < table.rows; row += step) if (!isMissing(target, row)) rows.push(row);
  const cut = Math.round(rows.length * (1 - HELD_OUT));
  if (Math.min(cut, rows.length - cut) < LEAST_ROWS) return null;
  const order = time === null ? scattered : earliestFirst(timesOf(table, time));
  rows.sort(order);
  return { train: Int32Array.from(rows.slice(0, cut)), test: Int32Array.from(rows.slice(cut)) };
}

function earliestFirst(times: Float64Array): (a: number, b: number) => number {
  return (a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b;
}

/** An order that has nothing to do with the file's: multiplicative hashing (Knuth 1998, vol. 3, 6.4). */
function scattered(a: number, b: number): number {
  return (Math.imul(a, 0x9e3779b1) >>> 0) - (Math.imul(b, 0x9e3779b1) >>> 0);
}
