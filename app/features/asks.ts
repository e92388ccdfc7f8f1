import type { Ask } from '../approvals.ts';
import type { Project } from '../project.ts';
import type { PullFacts, TouchedModel } from '../pull-facts.ts';
import { type GateModel, openGates } from './gate.ts';

/**
 * What people have to approve in a pull request: the problem where it is new or changed, and the candidate
 * once its locks are in, since no commit of the app follows after the question.
 */
export function asksOf({ bot }: Pick<Project, 'bot'>, facts: PullFacts, models: readonly GateModel[]): Ask[] {
  const { pull, policy, committers } = facts;
  const author = pull.author.login === bot ? null : pull.author.login;
  const people = { author, committers, causers: [] };
  return facts.models.flatMap((model) => {
    const standing = models.find((entry) => entry.model === model.name)?.standing;
    const asks: Ask[] = [];
    if (problemChanged(model)) {
      const rules = [{ name: 'problem' as const, rule: policy.approvals.problem }];
      const digest = model.merged.digests.problem;
      asks.push({ subject: 'problem', model: model.name, digest, rules, ...people });
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
      asks.push({ subject: 'candidate', model: model.name, digest, rules, ...people });
    }
    return asks;
  });
}

function problemChanged({ merged, base }: TouchedModel): boolean {
  return base?.digests.problem !== merged.digests.problem;
}
