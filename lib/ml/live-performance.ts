import { columnOf, type Table, timesOf } from '#lib/data/table.ts';
import type { Reference, Signature } from '#lib/lifecycle/bundle.ts';
import type { Data } from '#lib/lifecycle/data.ts';
import { withinRange } from '#lib/lifecycle/estimate.ts';
import type { MonitorResult } from '#lib/lifecycle/evidence.ts';
import type { Problem } from '#lib/lifecycle/problem.ts';
import { metricsToCompare } from './evaluate.ts';
import { estimateOf } from './evaluate-compare.ts';
import { moneyOf } from './evaluate-money.ts';
import { actualOf, constant, judgedOf } from './judge.ts';
import { type Judged, measure, summandsOf } from './metrics.ts';
import { answeredRows, servedAnswers } from './served-answers.ts';
import type { Sampling } from './stats/units.ts';

export type Live = {
  problem: Problem;
  data: Pick<Data, 'unit'>;
  signature: Signature;
  reference: Pick<Reference, 'metrics' | 'trivial_prediction'>;
  /** Labelled rows of the prediction log's snapshot: event_time, prediction (and probabilities), label, and every input. */
  labelled: Table;
  seed: number;
};

/** Error of what was served on labels that had time to come, beside the trivial baseline on the same rows. */
export function livePerformance(live: Live): Pick<MonitorResult, 'performance' | 'value'> {
  const { problem, signature, reference, seed } = live;
  const labelled = answeredRows(live.labelled, problem);
  if (labelled.rows === 0) return { performance: [], value: null };
  const question = { task: problem.task, classes: signature.classes };
  const actual = actualOf(labelled, 'label', question);
  const served = judgedOf(actual, servedAnswers(labelled, problem, signature.classes), question);
  const trivial = judgedOf(actual, constant(reference.trivial_prediction, labelled.rows), question);
  const basis = { sampling: liveSampling(live.data, labelled), seed };
  const performance = metricsToCompare(problem).flatMap((metric) => {
    const { estimate, units } = estimateOf(summandsOf(metric, served), basis);
    if (!Number.isFinite(estimate.estimate)) return [];
    const { kind, length, count } = units;
    return [
      {
        metric,
        served: withinRange(metric, estimate),
        trivial: finite(measure(metric, trivial)),
        reference: reference.metrics[metric] ?? null,
        threshold:
          problem.success.find((one) => one.metric === metric && one.slice === null)?.threshold ?? null,
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

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
