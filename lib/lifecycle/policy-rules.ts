import { type Policy, RISKS, type Risk } from './policy.ts';

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
  'policy',
  'standing',
  'hold',
  'unhold',
] as const;
export type Action = (typeof ACTIONS)[number];
/** Actions that people decide by their roles, whatever the policy says. */
export type Approved = Exclude<Action, 'deploy' | 'ok-to-train' | 'hold' | 'unhold'>;

/** N of M with everything said. `expires`: an ISO 8601 duration, null = never. */
export type ApprovalRule = {
  required: number;
  roles: readonly string[];
  distinct_roles: boolean;
  exclude_author: boolean;
  expires: string | null;
};
/** What an action needs: people by a rule of the policy, or a permission where the policy has no rule for it. */
export type Requirement =
  | { kind: 'rule'; rule: ApprovalRule; from: string }
  | { kind: 'permission'; permission: 'write' | 'maintain' };

/** Where an action is done. What isn't said may be any of them: then the strictest rule counts. */
export type Scope = { environment?: string | undefined; risk?: Risk | undefined };

type WrittenRule = NonNullable<Policy['approvals'][keyof Policy['approvals']]>;
type BareRule = NonNullable<Policy['approvals']['policy']>;
type Variant = { rule: ApprovalRule; from: string };

/** What people need for an action; `from` names the place of the policy that says so. */
export function requirementOf(policy: Policy, action: Action, scope: Scope = {}): Requirement {
  if (action === 'hold' || action === 'unhold') {
    const roles = policy.holds?.[action];
    if (roles === undefined) return { kind: 'permission', permission: 'write' };
    return { kind: 'rule', ...one(roles, `holds.${action}`) };
  }
  const written = policy.approvals[action];
  if (written !== undefined) return { kind: 'rule', ...strictest(written, `approvals.${action}`, scope) };
  const { problem, model } = policy.approvals;
  switch (action) {
    case 'deploy':
      return { kind: 'permission', permission: 'write' };
    case 'ok-to-train':
      return { kind: 'permission', permission: 'maintain' };
    case 'override':
    case 'unfreeze':
      return { kind: 'rule', ...one(problem.roles, 'the roles of approvals.problem') };
    case 'standing':
      return { kind: 'rule', ...strictest(model, 'approvals.model', scope) };
    case 'policy': {
      const roles = [...new Set([...problem.roles, ...model.roles])];
      return { kind: 'rule', ...one(roles, 'the roles of approvals.problem and approvals.model') };
    }
    default:
      return { kind: 'rule', ...one(model.roles, 'the roles of approvals.model') };
  }
}

/** The rule of an action that is always for people with roles. */
export function approvalRule(policy: Policy, action: Approved, scope: Scope = {}): ApprovalRule {
  const needed = requirementOf(policy, action, scope);
  if (needed.kind === 'permission') throw new Error(`${action} has no rule`);
  return needed.rule;
}

/** The higher of two risk tiers: a change that lowers the tier is still judged by the former. */
export function higherRisk(a: Risk, b: Risk | undefined): Risk {
  return b !== undefined && RISKS.indexOf(b) > RISKS.indexOf(a) ? b : a;
}

function one(roles: readonly string[], from: string): Variant {
  return { from, rule: filledRule({ required: 1, roles: [...roles] }) };
}

/**
 * Of the rules that apply (the environment's, the risk tier's) the one that asks for more people counts, of two
 * alike the one with distinct roles, then the risk tier's. Where none applies, the rule itself.
 */
function strictest(written: WrittenRule, from: string, scope: Scope): Variant {
  const byRisk = 'by_risk' in written ? written.by_risk : undefined;
  const byEnvironment = 'by_environment' in written ? written.by_environment : undefined;
  const special = [
    ...variants(byRisk, scope.risk, `${from}.by_risk`),
    ...variants(byEnvironment, scope.environment, `${from}.by_environment`),
  ];
  const isOpen =
    (byRisk !== undefined && scope.risk === undefined) ||
    (byEnvironment !== undefined && scope.environment === undefined);
  const general = { rule: filledRule(written), from };
  const applying = special.length === 0 || isOpen ? [...special, general] : special;
  const weight = ({ rule }: Variant) => rule.required * 2 + (rule.distinct_roles ? 1 : 0);
  return applying.reduce((best, next) => (weight(next) > weight(best) ? next : best));
}

function variants(
  rules: Readonly<Record<string, BareRule | undefined>> = {},
  wanted: string | undefined,
  from: string,
): Variant[] {
  return Object.entries(rules).flatMap(([name, rule]) =>
    rule !== undefined && (wanted === undefined || wanted === name)
      ? [{ rule: filledRule(rule), from: `${from}.${name}` }]
      : [],
  );
}

function filledRule(rule: BareRule): ApprovalRule {
  return {
    required: rule.required,
    roles: rule.roles,
    distinct_roles: rule.distinct_roles ?? false,
    exclude_author: rule.exclude_author ?? true,
    expires: rule.expires ?? null,
  };
}
