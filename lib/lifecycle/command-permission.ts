import { atLeast, type Permission, rolesOf } from './approval.ts';
import { COMMANDS, type CommandName, type Place, type Who } from './command.ts';
import type { Policy } from './policy.ts';
import { type Action, requirementOf, type Scope } from './policy-rules.ts';

/** What is known of the person who gives a command, and of where. All of it read now, never from a cache. */
export type CommandFacts = {
  login: string;
  kind: 'person' | 'bot';
  permission: Permission;
  /** Slugs of the teams that the person is in. */
  teams: readonly string[];
  /** Opened the pull request or issue. */
  isAuthor: boolean;
  place: Exclude<Place, 'both'>;
  /** The environment that the command names; left out, the strictest rule of all counts. */
  environment?: string | undefined;
};

export type Person = Pick<CommandFacts, 'login' | 'permission' | 'teams'>;

export type CommandDecision = { kind: 'allowed' } | { kind: 'refused'; text: string };

/** Whether this person may give this command here: one answer for comments, tick boxes and documentation. */
export function decideCommand(name: CommandName, facts: CommandFacts, policy: Policy): CommandDecision {
  const { who, on } = COMMANDS[name];
  const text =
    (facts.kind === 'bot' ? 'bots give no commands' : null) ??
    (on === 'both' || on === facts.place ? null : `it belongs on ${ARTICLE[on]}`) ??
    refusalOfPerson(who, facts, policy);
  return text === null ? { kind: 'allowed' } : { kind: 'refused', text };
}

const ARTICLE = { issue: 'an issue', 'pull request': 'a pull request' };

function refusalOfPerson(who: Who, facts: CommandFacts, policy: Policy): string | null {
  switch (who.kind) {
    case 'everyone':
    case 'approvers':
      return null;
    case 'permission':
      return refusalOfPermission(facts, who.permission);
    case 'any-role':
      return refusalOfRoles(facts, Object.keys(policy.roles), policy);
    case 'author':
      return (
        refusalOfPermission(facts, 'write') ??
        (facts.isAuthor ? null : refusalOfRoles(facts, Object.keys(policy.roles), policy)?.concat(AUTHOR)) ??
        null
      );
    case 'roles':
      return refusalOfAction(who.action, facts, policy, { environment: facts.environment });
  }
}

/**
 * Why a person may not do something there, once it is known where: the rule of just that environment and tier. Null
 * where they may.
 */
export function refusalOfAction(action: Action, person: Person, policy: Policy, scope: Scope): string | null {
  const needed = requirementOf(policy, action, scope);
  if (needed.kind === 'permission') return refusalOfPermission(person, needed.permission);
  return refusalOfPermission(person, 'write') ?? refusalOfRoles(person, needed.rule.roles, policy);
}

const AUTHOR = ', or to be the author of the pull request';

function refusalOfPermission({ permission }: Person, needed: Permission): string | null {
  if (atLeast(permission, needed)) return null;
  return `it needs ${needed} permission, and yours is ${permission}`;
}

function refusalOfRoles(facts: Person, roles: readonly string[], policy: Policy): string | null {
  if (rolesOf(facts, policy.roles).some((role) => roles.includes(role))) return null;
  const holders = roles.map((role) => {
    const { people = [], teams = [] } = policy.roles[role] ?? {};
    const names = [...people, ...teams.map((team) => `team ${team}`)];
    return `${role} (${names.join(', ') || 'nobody yet'})`;
  });
  return `it needs the role ${holders.join(' or ')}`;
}

/** Who may, in words for help and documentation. */
export function whoText(who: Who): string {
  switch (who.kind) {
    case 'everyone':
      return 'everyone';
    case 'permission':
      return `${who.permission} permission`;
    case 'roles':
      return `whom the policy names for ${who.action}`;
    case 'any-role':
      return 'any role of the policy';
    case 'author':
      return 'the author of the pull request, or any role of the policy';
    case 'approvers':
      return 'the roles of the rule that asks for it';
  }
}
