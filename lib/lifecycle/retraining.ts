import type { Data } from './data.ts';
import { durationMs } from './duration.ts';
import { atLeast, atMost, DIRECTION, short, sizeOf, textOf } from './estimate.ts';
import type { Estimate, MonitorResult, RetrainResult } from './evidence.ts';
import { marginOf } from './gates.ts';
import type { Operate, Trigger } from './operate.ts';
import type { Metric } from './problem.ts';
import type { Reason, Verdict } from './verdict.ts';

export type RetrainingFacts = {
  operate: Pick<Operate, 'retraining'>;
  data: Pick<Data, 'labels' | 'sources'>;
  monitor: MonitorResult;
  /** Data time of the last decision that opened a pull request; null = never. */
  lastOpened: string | null;
  /** Retraining pull requests of this model that are open. */
  openPullRequests: number;
  /** Login of the person whose `/retrain` asks for one; null = the triggers alone decide. */
  askedBy: string | null;
};

/**
 * Whether decay, or a person, asks for a retraining pull request. Of what is measured only loss on matured
 * labels opens one: input drift alone never does. In the reasons, `failed` is a trigger that fires or a brake
 * that holds. A person passes the cooldown, and never the brake of one at a time.
 */
export function decideRetraining(facts: RetrainingFacts): Omit<RetrainResult, 'monitor'> {
  const { operate, monitor, askedBy } = facts;
  const { when, triggers } = operate.retraining;
  const fired = triggers
    .filter((trigger) => trigger.kind === 'labelled_loss')
    .map((trigger) => checkTrigger(trigger, monitor));
  const brakes = checkBrakes(facts);
  const fires = (reason: Reason) => reason.verdict === 'failed';
  const decayed = fired.length > 0 && (when === 'any' ? fired.some(fires) : fired.every(fires));
  const opens = (decayed || askedBy !== null) && !brakes.some(fires);
  const asked = askedBy === null ? [] : [askedFor(askedBy)];
  const reasons = [...asked, ...(fired.length > 0 ? fired : [noTrigger]), ...brakes];
  return {
    as_of: monitor.as_of,
    decision: opens ? 'open' : 'none',
    asked_by: askedBy,
    reasons,
    change: opens ? changeOf(facts) : null,
  };
}

const noTrigger: Reason = {
  rule: 'retraining.triggers',
  verdict: 'passed',
  expected: 'at least one trigger',
  actual: 'none is declared, so nothing opens a pull request',
  where: 'operate.yml',
};

function askedFor(login: string): Reason {
  return {
    rule: 'asked for',
    verdict: 'failed',
    expected: 'nobody has to ask',
    actual: `@${login} asked with /retrain`,
    where: 'comment',
  };
}

/** The newest labelled window: it ends at the start of the day whose labels have all had time to come. */
function changeOf({ operate, data, monitor }: RetrainingFacts): RetrainResult['change'] {
  const until = new Date(Date.parse(monitor.as_of) - durationMs(data.labels.lag));
  until.setUTCHours(0, 0, 0, 0);
  const logged = data.sources.filter((source) => source.kind === 'predictions');
  return {
    window: { last: operate.retraining.window, until: until.toISOString() },
    snapshots: Object.fromEntries(logged.map(({ name }) => [name, monitor.snapshot])),
  };
}

/** One trigger on one window of monitoring: `failed` fires it, and labels that are pending can't. */
export function checkTrigger(
  trigger: Trigger,
  { performance, labels }: Pick<MonitorResult, 'performance' | 'labels'>,
): Reason {
  const { metric, worse_than, by } = trigger;
  const rule = `labelled_loss: ${metric} worse than the ${worse_than}`;
  const where = `performance.${metric}`;
  const seen = performance.find((row) => row.metric === metric);
  const base = seen?.[worse_than] ?? null;
  if (labels.state === 'pending') {
    const actual = `${labels.labelled} of ${labels.matured} matured predictions have a label: too few`;
    return { rule, verdict: 'inconclusive', expected: 'labels', actual, where };
  }
  if (seen === undefined || base === null) {
    const actual = seen ? `there is no ${worse_than} to compare with` : `${metric} was not measured`;
    return { rule, verdict: 'inconclusive', expected: `${metric} and a ${worse_than}`, actual, where };
  }
  const { served } = seen;
  const { verdict, limit } = checkLoss({ metric, served, base, by });
  const expected = `${metric} no worse than ${short(limit)}`;
  return { rule, verdict, expected, actual: textOf(served), where };
}

/**
 * Is what was served worse than a figure by more than a margin? `failed` when the better end of its interval
 * is beyond the limit, `passed` when the worse end is within. For metrics to maximize the limit lies below.
 */
function checkLoss({
  metric,
  served,
  base,
  by,
}: {
  metric: Metric;
  served: Estimate;
  base: number;
  by: Trigger['by'];
}): { verdict: Verdict; limit: number } {
  const size = sizeOf(metric, served);
  const from = metric === 'bias' ? Math.abs(base) : base;
  if (DIRECTION[metric] === 'minimize') {
    const limit = from + marginOf(by, from);
    return { verdict: atMost(size, limit), limit };
  }
  const limit = from - marginOf(by, from);
  return { verdict: atLeast(size, limit), limit };
}

function checkBrakes({ operate, monitor, lastOpened, openPullRequests, askedBy }: RetrainingFacts): Reason[] {
  const { cooldown } = operate.retraining;
  const ends = lastOpened === null ? null : Date.parse(lastOpened) + durationMs(cooldown);
  const cooling = ends !== null && Date.parse(monitor.as_of) < ends;
  return [
    {
      rule: 'retraining.cooldown',
      verdict: cooling && askedBy === null ? 'failed' : 'passed',
      expected: `${cooldown} since the last one was opened`,
      actual: `${lastOpened === null ? 'none was opened before' : `the last one was opened as of ${lastOpened}`}${cooling && askedBy !== null ? ': passed over, because it was asked for' : ''}`,
      where: 'operate.yml',
    },
    {
      rule: 'one retraining at a time',
      verdict: openPullRequests > 0 ? 'failed' : 'passed',
      expected: 'no open retraining pull request',
      actual: `${openPullRequests} open`,
      where: 'pull requests',
    },
  ];
}

/** A retraining pull request of the past: its day of data time, and whether people still have it before them. */
export type PastRetraining = { day: string; open: boolean };

/**
 * Whether the window of `day` may open a pull request beside those of other days: one at a time, and none
 * within the cooldown of the last one, also where that was closed without a merge.
 */
export function mayOpenRetraining({
  day,
  past,
  cooldown,
  asked = false,
}: {
  day: string;
  past: readonly PastRetraining[];
  cooldown: string;
  /** A person asked for it: the cooldown is passed over. */
  asked?: boolean;
}): boolean {
  const others = past.filter((retraining) => retraining.day !== day);
  if (others.some(({ open }) => open)) return false;
  const latest = Math.max(...others.map((retraining) => Date.parse(retraining.day)));
  return asked || others.length === 0 || Date.parse(day) - latest >= durationMs(cooldown);
}
