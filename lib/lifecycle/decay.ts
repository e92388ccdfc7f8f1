import type { MonitorResult } from './evidence.ts';
import type { Operate } from './operate.ts';
import type { Problem } from './problem.ts';
import { checkTrigger } from './retraining.ts';
import { type Reason, type Verdict, worstOf } from './verdict.ts';

export type DecayFacts = {
  operate: Pick<Operate, 'retraining'>;
  problem: Pick<Problem, 'success'>;
  labels: MonitorResult['labels'];
  performance: MonitorResult['performance'];
};

/**
 * Has the model decayed? By the triggers of operate.yml, and by the problem's success thresholds where it has
 * none. Labels that have not come yet are pending and never healthy.
 */
export function decayOf({ operate, problem, labels, performance }: DecayFacts): {
  verdict: Verdict;
  reasons: Reason[];
} {
  const declared = operate.retraining.triggers.filter((trigger) => trigger.kind === 'labelled_loss');
  const triggers =
    declared.length > 0
      ? declared
      : problem.success
          .filter(({ slice }) => slice === null)
          .map(({ metric }) => ({
            kind: 'labelled_loss' as const,
            metric,
            worse_than: 'threshold' as const,
            by: '0%',
          }));
  const reasons = triggers.map((trigger) => checkTrigger(trigger, { labels, performance }));
  return { verdict: worstOf(reasons.map(({ verdict }) => verdict)), reasons };
}
