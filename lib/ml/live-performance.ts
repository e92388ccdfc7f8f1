import { columnOf, type Table, take, timesOf } from '#lib/data/table.ts';
import type { Reference, Signature } from '#lib/lifecycle/bundle.ts';
import type { Data } from '#lib/lifecycle/data.ts';
import type { MonitorResult } from '#lib/lifecycle/evidence.ts';
import type { Problem } from '#lib/lifecycle/problem.ts';
import { metricsToCompare } from './evaluate.ts';
import { estimateOf } from './evaluate-compare.ts';
import { moneyOf } from './evaluate-money.ts';
import { actualOf, constant, judgedOf } from './judge.ts';
import { type Judged, measure, summandsOf } from './metrics.ts';
import type { Sampling } from './stats/units.ts';

export type Live = {
  problem: Problem;
  data: Pick<Data, 'unit'>;
  signature: Signature;
  reference: Pick<Reference, 'metrics' | 'trivial_prediction'>;
  /** Labelled rows of the prediction log's snapshot: event_time, prediction, label, and every input. */
  labelled: Table;
  seed: number;
};

/** Error of what was served on labels that had time to come, beside the trivial baseline on the same rows. */
export function livePerformance(live: Live): Pick<MonitorResult, 'performance' | 'value'> {
  const { problem, signature, reference, labelled, seed } = live;
  const question = { task: problem.task, classes: signature.classes };
  const actual = actualOf(labelled, 'label', question);
  const served = judgedOf(actual, servedAnswers(labelled, problem), question);
  const trivial = judgedOf(actual, constant(reference.trivial_prediction, labelled.rows), question);
  const basis = { sampling: liveSampling(live.data, labelled), seed };
  const performance = metricsToCompare(problem).flatMap((metric) => {
    const { estimate, units } = estimateOf(summandsOf(metric, served), basis);
    if (!Number.isFinite(estimate.estimate)) return [];
    const { kind, length, count } = units;
    return [
      {
        metric,
        served: estimate,
        trivial: finite(measure(metric, trivial)),
        reference: reference.metrics[metric] ?? null,
        threshold: problem.success.find((success) => success.metric === metric)?.threshold ?? null,
        unit: { kind, length, count },
      },
    ];
  });
  return { performance, value: moneyOfServed(problem, served, signature, basis) };
}

function moneyOfServed(
  { value }: Problem,
  served: Judged,
  { classes }: Signature,
  basis: Parameters<typeof moneyOf>[3],
): MonitorResult['value'] {
  if (value === null) return null;
  return { unit: value.unit, served: moneyOf(value, served, (classes ?? []).map(String), basis) };
}

/** What is resampled of live rows: the declared unit; a block of a day where none is declared. */
export function liveSampling({ unit }: Pick<Data, 'unit'>, table: Table): Sampling {
  if (unit !== 'row' && 'group' in unit && table.columns.has(unit.group)) {
    return { kind: 'group', column: unit.group, values: columnOf(table, unit.group).values };
  }
  const block = unit !== 'row' && 'block' in unit ? unit.block : 'P1D';
  return { kind: 'block', block, time: timesOf(table, 'event_time') };
}

/** The log keeps one number per prediction: the value, or the probability of a binary task's positive class. */
function servedAnswers(table: Table, { task }: Problem): Float64Array {
  const column = columnOf(table, 'prediction');
  if (column.kind === 'text') throw new Error('the column prediction of a snapshot holds numbers');
  if (task.kind === 'regression') return column.values;
  const answers = new Float64Array(table.rows * 2);
  for (const [row, positive] of column.values.entries()) answers.set([1 - positive, positive], row * 2);
  return answers;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Rows of a table that a test says yes to, with all columns. */
export function rowsWhere(table: Table, test: (row: number) => boolean): Table {
  const rows = Int32Array.from({ length: table.rows }, (_, row) => row).filter(test);
  return take(table, { rows, columns: [...table.columns.keys()] });
}
