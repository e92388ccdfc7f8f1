import type { Policy, Risk } from './policy.ts';
import { type Action, requirementOf, type Scope } from './policy-rules.ts';

/** What each action is about, in the words of the documentation. */
export const ABOUT: Record<Action, string> = {
  problem: 'approve a problem definition, a looser gate, or the removal of a model',
  model: 'approve a candidate whose gates passed',
  inconclusive: 'on top of model: approve a candidate of which a gate could not tell',
  policy: 'approve a pull request that changes the policy',
  standing: 'approve the procedure of a retraining, for the next versions of it',
  deploy: 'give /deploy',
  promote: 'give /promote',
  rollback: 'give /rollback',
  override: 'give /override',
  unfreeze: 'give /unfreeze',
  'ok-to-train': 'give /ok-to-train',
  hold: 'give /hold',
  unhold: 'give /unhold',
};

/** Who may do something. Where a permission is enough, `required` is 1 and `roles` is empty. */
export type Explanation = {
  action: Action;
  about: string;
  environment: string | null;
  risk: Risk | null;
  /** GitHub's permission that each of them needs. */
  permission: 'write' | 'maintain';
  required: number;
  roles: { role: string; people: string[]; teams: string[] }[];
  /** The place of the policy that says so; null where it says nothing. */
  from: string | null;
  /** What keeps somebody from counting, a line each. */
  excludes: string[];
  expires: string | null;
};

export function explainAction(policy: Policy, action: Action, scope: Scope = {}): Explanation {
  const needed = requirementOf(policy, action, scope);
  const asked = {
    action,
    about: ABOUT[action],
    environment: scope.environment ?? null,
    risk: scope.risk ?? null,
  };
  if (needed.kind === 'permission') {
    const { permission } = needed;
    return { ...asked, permission, required: 1, roles: [], from: null, excludes: [BOTS], expires: null };
  }
  const { rule, from } = needed;
  return {
    ...asked,
    permission: 'write',
    required: rule.required,
    roles: rule.roles.map((role) => ({ role, people: [], teams: [], ...policy.roles[role] })),
    from,
    excludes: [
      BOTS,
      ...(rule.exclude_author && COUNTED.includes(action) ? [AUTHORS] : []),
      ...(rule.distinct_roles ? ['no two people count for the same role'] : []),
      ...(rule.required > 1 ? ['nobody counts twice'] : []),
    ],
    expires: rule.expires,
  };
}

const BOTS = 'bots and edited comments never count';
const AUTHORS = 'whoever opened it, committed to it or caused it by a command does not count';
/** Actions about something that somebody made. */
const COUNTED: readonly Action[] = ['problem', 'model', 'inconclusive', 'policy', 'override', 'promote'];
