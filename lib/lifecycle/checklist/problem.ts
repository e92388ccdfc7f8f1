import { countApprovals } from '../approval.ts';
import type { Estimate } from '../evidence.ts';
import { gatesOf } from '../gates.ts';
import type { Policy } from '../policy.ts';
import type { ApprovalRecord } from '../records.ts';
import {
  type ChecklistFacts,
  type Evidence,
  evaluation,
  type Found,
  type Item,
  NO_VERSION,
  nothing,
} from './facts.ts';

/** Stage 1. */
export const PROBLEM_ITEMS: Item[] = [
  {
    id: 'P-C1',
    title: 'Clear objectives',
    rule: 'Objective, decision, task and target stand in problem.yml of the default branch, and at least one person approved exactly that problem.',
    check: clearObjectives,
  },
  {
    id: 'P-C2',
    title: 'Success metrics established',
    rule: 'Every success metric of problem.yml stood with its threshold as a gate in the evaluation of the newest version.',
    check: successMetrics,
  },
  {
    id: 'P-C3',
    title: 'ML approach validated',
    rule: 'The lower bound of the gain over the trivial baseline is above 0 on the recent holdout of the newest version.',
    check: approachValidated,
  },
  {
    id: 'P-C4',
    title: 'Stakeholder alignment confirmed',
    rule: 'The approvals on record of the problem fulfil the rule of the policy, and no objection or hold stands on its issue.',
    check: stakeholdersAligned,
  },
];

const NOT_APPROVED = 'nobody has approved the problem as it stands on the default branch';

function clearObjectives({ approvals }: ChecklistFacts): Found {
  return approvals.length > 0
    ? { evidence: approvals.map(approvalEvidence), missing: [] }
    : nothing(NOT_APPROVED);
}

function approvalEvidence({ login, at, url, digest }: ApprovalRecord): Evidence {
  return { text: `approved by ${login} on ${at.slice(0, 10)}`, at: { kind: 'url', url }, digest };
}

function successMetrics({ problem, newest }: ChecklistFacts): Found {
  if (!newest) return nothing(NO_VERSION);
  const asked = gatesOf({ success: problem.success, gates: [] }).slice(0, problem.success.length);
  const judged = new Set(newest.evaluate.gates.map(({ name }) => name));
  return {
    evidence: asked
      .filter(({ name }) => judged.has(name))
      .map(({ name }) => evaluation(newest, `the gate "${name}"`)),
    missing: asked
      .filter(({ name }) => !judged.has(name))
      .map(({ name }) => `v${newest.registration.version} was not judged by the gate "${name}"`),
  };
}

/** By the metric that decides: the first one. */
function approachValidated({ problem, newest }: ChecklistFacts): Found {
  if (!newest) return nothing(NO_VERSION);
  const metric = problem.success[0]?.metric;
  const found = newest.evaluate.recent.comparisons.find((comparison) => comparison.metric === metric);
  if (!found) return nothing(`${metric} was not measured on the recent holdout`);
  const { upper }: Estimate = found.candidate_minus_trivial;
  if (upper === null) return nothing('the holdout has too few units for an interval');
  if (upper >= 0) return nothing('the interval of the gain over the trivial baseline reaches 0');
  return {
    evidence: [evaluation(newest, `the loss is at least ${plain(-upper)} below the trivial baseline's`)],
    missing: [],
  };
}

function plain(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/**
 * Permissions and roles were checked when an approval was recorded, and the record says which roles its giver had:
 * they are counted as they were then,
 * and what has expired since was an approval all the same.
 */
function stakeholdersAligned({ approvals, approval, hold, problemDigest }: ChecklistFacts): Found {
  const { counted, missing } = countApprovals({
    digest: problemDigest,
    others: [],
    rules: [{ name: 'problem', rule: approval }],
    roles: rolesOnRecord(approvals),
    comments: approvals.map(({ comment, login, digest, at }) => ({
      id: comment,
      login,
      kind: 'person',
      permission: 'write',
      teams: [],
      digest: digest.slice('sha256:'.length),
      edited: false,
      at,
    })),
    author: null,
    committers: [],
    causers: [],
    now: new Date(0),
  });
  const ids = new Set(counted.map(({ id }) => id));
  return {
    evidence: approvals.filter(({ comment }) => ids.has(comment)).map(approvalEvidence),
    missing: [
      ...missing.map(({ count, roles }) => `${count} approval of the problem by ${roles.join(' or ')}`),
      ...(hold?.held ? [`${hold.login} holds the problem's issue`] : []),
    ],
  };
}

function rolesOnRecord(approvals: ApprovalRecord[]): Policy['roles'] {
  const roles = [...new Set(approvals.flatMap((approval) => approval.roles))];
  return Object.fromEntries(
    roles.map((role) => {
      const people = approvals.filter((approval) => approval.roles.includes(role)).map(({ login }) => login);
      return [role, { people, teams: [] }];
    }),
  );
}
