import { digestOfJson } from '#lib/formats/digest.ts';
import { type Loosening, looseningsOf } from '#lib/lifecycle/loosening.ts';
import type { Ask } from '../approvals.ts';
import type { Project } from '../project.ts';
import type { PullFacts, TouchedModel } from '../pull-facts.ts';
import { type GateModel, openGates } from './gate.ts';

/**
 * What people have to approve in a pull request: the problem where it is new or changed, and the candidate
 * once its locks are in, since no commit of the app follows after the question; and, by the problem's
 * approvers, what makes judging looser.
 */
export function asksOf({ bot }: Pick<Project, 'bot'>, facts: PullFacts, models: readonly GateModel[]): Ask[] {
  const { pull, policy, committers, causers } = facts;
  const author = pull.author.login === bot ? null : pull.author.login;
  const people = { author, committers };
  return facts.models.flatMap((model) => {
    const standing = models.find((entry) => entry.model === model.name)?.standing;
    const asks: Ask[] = [];
    if (problemChanged(model)) {
      const rules = [{ name: 'problem' as const, rule: policy.approvals.problem }];
      const digest = model.merged.digests.problem;
      asks.push({
        subject: 'problem',
        model: model.name,
        digest,
        rules,
        ...people,
        causers: causers.problem,
      });
    }
    const loosened = loosenings(model);
    if (loosened.length > 0) {
      const rules = [{ name: 'problem' as const, rule: policy.approvals.problem }];
      const digest = digestOfJson({ v: 1, model: model.name, loosened });
      const about = loosened.map(
        ({ file, where, before, after }) => `${file}, ${where}: ${before} becomes ${after}`,
      );
      asks.push({
        subject: 'loosening',
        model: model.name,
        digest,
        rules,
        about,
        ...people,
        causers: causers.candidate,
      });
    }
    if (standing?.state === 'judged' && standing.committed) {
      const { blocking, asking } = openGates(standing.evidence.evaluate.predicate.result);
      if (blocking.length > 0) return asks;
      const rules: Ask['rules'] = [
        { name: 'model', rule: policy.approvals.model },
        ...(asking.length > 0
          ? [{ name: 'inconclusive' as const, rule: policy.approvals.inconclusive }]
          : []),
      ];
      const digest = standing.evidence.record.candidate;
      asks.push({
        subject: 'candidate',
        model: model.name,
        digest,
        rules,
        ...people,
        causers: causers.candidate,
      });
    }
    return asks;
  });
}

function problemChanged({ merged, base }: TouchedModel): boolean {
  return base?.digests.problem !== merged.digests.problem;
}

/** Of a draft nothing was judged yet; what problem.yml loosens is approved with the problem. */
function loosenings({ merged, base }: TouchedModel): Loosening[] {
  if (base === null || base.draft) return [];
  return looseningsOf(base, merged).filter(({ file }) => file !== 'problem.yml');
}
