import { durationMs } from './duration.ts';
import type { GoldenReplay } from './golden.ts';
import { afterPassed, canaryOf, type DeploymentRecord, stepOf, whereOf } from './rollout.ts';
import { isRateOver, rateBounds } from './sequential.ts';
import type { ServingState } from './serving.ts';
import { type Reason, type Verdict, worstOf } from './verdict.ts';

/** What a look at the target found of the new version. Both instants are the target's clock. */
export type Observation = {
  now: string;
  canary: Pick<ServingState['versions'][number], 'since' | 'requests' | 'errors' | 'latency_ms'>;
  golden: GoldenReplay;
};
export type StepDecision = {
  verdict: Verdict;
  reasons: Reason[];
  next: Pick<DeploymentRecord, 'phase' | 'step'>;
};

/** Level of the bounds: a check rolls a sound version back in at most one step of a hundred, however often it looks. */
const ALPHA = 0.01;

/**
 * Judges a canary step. A failed check rolls back at once. The step passes when it has had its requests and
 * every check passed; what stays inconclusive until `max_duration` pauses the rollout and is a person's.
 */
export function decideStep(record: DeploymentRecord, observation: Observation): StepDecision {
  const reasons = [
    judgeAmount(record, observation),
    judgeErrors(record, observation),
    judgeLatency(record, observation),
    judgeGolden(record, observation.golden),
  ];
  const verdict = worstOf(reasons.map((reason) => reason.verdict));
  return { verdict, reasons, next: follow(record, verdict, observation) };
}

function follow(
  record: DeploymentRecord,
  verdict: Verdict,
  { now, canary }: Observation,
): Pick<DeploymentRecord, 'phase' | 'step'> {
  const { step } = record;
  if (verdict === 'failed') return { phase: record.previous === null ? 'aborted' : 'rolled-back', step };
  if (verdict === 'passed') return afterPassed(record);
  const elapsed = Date.parse(now) - Date.parse(canary.since);
  return { phase: elapsed >= durationMs(stepOf(record).max_duration) ? 'paused' : 'progressing', step };
}

function judgeAmount(record: DeploymentRecord, { now, canary }: Observation): Reason {
  const { min_requests, max_duration } = stepOf(record);
  const seconds = Math.round((Date.parse(now) - Date.parse(canary.since)) / 1000);
  return {
    rule: 'requests',
    verdict: canary.requests >= min_requests ? 'passed' : 'inconclusive',
    expected: `at least ${min_requests} within ${max_duration}`,
    actual: `${canary.requests} in ${seconds} s`,
    where: whereOf(record),
  };
}

/** Failed: the rate's lower bound is over the limit. Passed: the observed rate is not over it. */
function judgeErrors(record: DeploymentRecord, { canary }: Observation): Reason {
  const limit = canaryOf(record).checks.max_error_rate;
  const counts = { events: canary.errors, trials: canary.requests };
  const { lower, upper } = rateBounds(counts, ALPHA);
  const isSeen = counts.trials > 0 && counts.events / counts.trials <= limit;
  return {
    rule: 'error_rate',
    verdict: isRateOver(counts, limit, ALPHA) ? 'failed' : isSeen ? 'passed' : 'inconclusive',
    expected: `observed at most ${percent(limit)}`,
    actual: `${counts.events} of ${counts.trials} (99 % interval ${percent(lower)} to ${percent(upper)})`,
    where: whereOf(record),
  };
}

/** Failed: the lower bound of the 95th percentile is over the limit. Passed: the observed percentile is not over it. */
function judgeLatency(record: DeploymentRecord, { canary }: Observation): Reason {
  const limit = canaryOf(record).checks.max_latency_p95_ms;
  const latency = canary.latency_ms;
  const verdict =
    latency === null
      ? 'inconclusive'
      : latency.p95_lower > limit
        ? 'failed'
        : latency.p95 <= limit
          ? 'passed'
          : 'inconclusive';
  return {
    rule: 'latency_p95',
    verdict,
    expected: `observed at most ${limit} ms`,
    actual:
      latency === null
        ? 'no request answered'
        : `${latency.p95.toFixed(1)} ms (99 % lower bound ${latency.p95_lower.toFixed(1)} ms)`,
    where: whereOf(record),
  };
}

/** Parity: the golden rows through the serving path answer what the bundle says. */
function judgeGolden(record: DeploymentRecord, golden: GoldenReplay): Reason {
  const verdicts = { agrees: 'passed', differs: 'failed', unknown: 'inconclusive' } as const;
  return {
    rule: 'parity',
    verdict: verdicts[golden.kind],
    expected: 'the golden rows answer as in the bundle',
    actual:
      golden.kind === 'agrees'
        ? `${golden.rows} rows agree, largest difference ${golden.largest}`
        : golden.message,
    where: whereOf(record),
  };
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
