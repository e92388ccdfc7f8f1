import { hexOf } from '#lib/formats/digest.ts';
import { framing, type ProblemDraft } from '#lib/formats/issue-form.ts';
import { answersTable, gateRows, problemTable } from '#lib/formats/problem-document.ts';
import { gatesOf } from '#lib/lifecycle/gates.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import type { HoldRecord } from '#lib/lifecycle/records.ts';
import { type CountedAsk, peopleToAsk } from '../approvals.ts';
import type { ProblemPlan } from '../problem-decision.ts';

export type ShownProblem = {
  draft: ProblemDraft;
  counted: CountedAsk | null;
  hold: HoldRecord | null;
  policy: Policy;
  plan: ProblemPlan;
  /** Number of the tracking issue. */
  tracking: number | null;
  owner: string;
};

/** The view of templates/comments/problem.hbs. */
export function problemCommentView({ draft, counted, hold, policy, plan, tracking, owner }: ShownProblem) {
  const { problem, answers, missing, contradictions, notes } = draft;
  return {
    state: plan.kind,
    pull: plan.kind === 'proposed' ? plan.pull : null,
    differs: plan.kind === 'proposed' && plan.differs,
    tracking,
    model: problem?.model ?? null,
    answered: Object.keys(answers).length > 0,
    missing,
    contradictions,
    understood: problem ? problemTable(problem) : answersTable(answers),
    framing: problem ? framing(problem) : [],
    gates: problem ? gateRows(gatesOf(problem)) : [],
    notes: plan.kind === 'ask' || plan.kind === 'held' ? notes : [],
    digest: counted ? hexOf(counted.digest).slice(0, 16) : null,
    counted: counted?.count.counted.map(({ login, roles }) => ({ login, roles: roles.join(', ') })) ?? [],
    hold: hold?.held ? { login: hold.login, reason: hold.reason } : null,
    needed: counted?.count.missing.map(({ count, roles }) => ({ count, roles: roles.join(' or ') })) ?? [],
    people: counted ? peopleToAsk(counted, policy, owner) : [],
  };
}
