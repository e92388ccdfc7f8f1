import { withinRange } from '#lib/lifecycle/estimate.ts';
import type { Comparison, Estimate } from '#lib/lifecycle/evidence.ts';
import type { Metric } from '#lib/lifecycle/problem.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type Judged, lossOf, type Summands, summandsOf } from './metrics.ts';
import { influenceOf, intervalOf, resample } from './stats/bootstrap.ts';
import { randomOf } from './stats/random.ts';
import { type Sampling, stretchOf, type Units, unitsOf } from './stats/units.ts';

export type Contest = { candidate: Judged; trivial: Judged; champion: Judged | null };
export type Basis = { sampling: Sampling; seed: number };
export type Measured = { estimate: Estimate; units: Units };

/** An estimate with its interval; the units fit the very summand that it is about. */
export function estimateOf(summands: Summands, { sampling, seed }: Basis): Measured {
  const influence = influenceOf(summands);
  const units = unitsOf(sampling, influence);
  const [replicates] = resample({
    columns: summands.columns,
    statistics: [summands.of],
    units,
    random: randomOf(seed),
  });
  if (replicates === undefined) throw new Error('a resample has one value per statistic');
  return {
    estimate: intervalOf(replicates, { units: units.count, stretch: stretchOf(units, influence) }),
    units,
  };
}

/** Loss of one minus loss of the other on the same rows. */
export function pairedLoss(metric: Metric, one: Summands, other: Summands): Summands {
  const split = one.columns.length;
  return {
    columns: [...one.columns, ...other.columns],
    of: (sums) =>
      lossOf(metric, one.of(sums.subarray(0, split))) - lossOf(metric, other.of(sums.subarray(split))),
  };
}

/** One metric of all contenders on the same rows, and the units of the comparison that decides. */
export function compare(
  metric: Metric,
  { candidate, trivial, champion }: Contest,
  basis: Basis,
): { comparison: Comparison; units: Units } {
  const own = summandsOf(metric, candidate);
  const baseline = summandsOf(metric, trivial);
  const incumbent = champion && summandsOf(metric, champion);
  const within = (one: Measured) => ({ ...one, estimate: withinRange(metric, one.estimate) });
  const measured = {
    candidate: within(estimateOf(own, basis)),
    trivial: within(estimateOf(baseline, basis)),
    champion: incumbent && within(estimateOf(incumbent, basis)),
    candidate_minus_trivial: estimateOf(pairedLoss(metric, own, baseline), basis),
    candidate_minus_champion: incumbent && estimateOf(pairedLoss(metric, own, incumbent), basis),
  };
  if (!Number.isFinite(measured.candidate.estimate.estimate)) {
    throw new UserError(`${metric} is undefined on the holdout`, {
      fix: 'it needs rows of more than one class (auc) or value (r2): lengthen `split.recent` in data.yml',
    });
  }
  const decisive = measured.candidate_minus_champion ?? measured.candidate_minus_trivial;
  return {
    comparison: {
      metric,
      candidate: measured.candidate.estimate,
      trivial: measured.trivial.estimate,
      champion: measured.champion?.estimate ?? null,
      candidate_minus_trivial: measured.candidate_minus_trivial.estimate,
      candidate_minus_champion: measured.candidate_minus_champion?.estimate ?? null,
    },
    units: decisive.units,
  };
}
