import type { Permission } from './approval.ts';
import type { ApprovalRule, Policy } from './policy.ts';

/** Everything that a policy can ask people for. */
export const ACTIONS = [
  'problem',
  'model',
  'inconclusive',
  'deploy',
  'promote',
  'rollback',
  'override',
  'unfreeze',
  'ok-to-train',
] as const;
export type Action = (typeof ACTIONS)[number];

/** What an action needs: people by a rule of the policy, or a permission where the policy has no rule for it. */
export type Requirement =
  | { kind: 'rule'; rule: ApprovalRule }
  | { kind: 'permission'; permission: Permission };

/** Who decides on an action that the policy says nothing about. */
const OTHERWISE = {
  deploy: 'write',
  promote: 'model',
  rollback: 'model',
  override: 'problem',
  unfreeze: 'problem',
  'ok-to-train': 'maintain',
} as const;

export function requirementOf(policy: Policy, action: Action): Requirement {
  if (action in policy.approvals) {
    return { kind: 'rule', rule: policy.approvals[action as keyof Policy['approvals']] };
  }
  const otherwise = OTHERWISE[action as keyof typeof OTHERWISE];
  if (otherwise === 'write' || otherwise === 'maintain') return { kind: 'permission', permission: otherwise };
  return { kind: 'rule', rule: { ...policy.approvals[otherwise], required: 1 } };
}
