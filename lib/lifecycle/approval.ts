import type { ApprovalRule, Policy } from './policy.ts';
import type { Digest } from './scalars.ts';

/** GitHub's permission of a person on the repository, read live. */
export const PERMISSIONS = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const;
export type Permission = (typeof PERMISSIONS)[number];

export function atLeast(permission: Permission, level: Permission): boolean {
  return PERMISSIONS.indexOf(permission) >= PERMISSIONS.indexOf(level);
}

/** One `/approve` as it was found. `digest` is the hex that was typed, 16 to 64 characters. */
export type ApprovalComment = {
  id: number;
  login: string;
  kind: 'person' | 'bot';
  permission: Permission;
  /** Slugs of the teams that the person is in now. */
  teams: readonly string[];
  digest: string;
  edited: boolean;
};

/** The policy's rule that an approval is for: of a change, or of a command that takes several people. */
export type RuleName =
  | 'problem'
  | 'model'
  | 'inconclusive'
  | 'rollback'
  | 'unfreeze'
  | 'override'
  | 'promote';
export type ApprovalRequest = {
  /** What has to be approved. */
  digest: Digest;
  /** Other digests that are open for approval: a prefix that fits two is refused. */
  others: readonly Digest[];
  /** Each rule asks for people of its own: nobody counts twice. */
  rules: readonly { name: RuleName; rule: ApprovalRule }[];
  roles: Policy['roles'];
  comments: readonly ApprovalComment[];
  /** Who opened the pull request or issue; null where the app did. */
  author: string | null;
  /** Authors, committers and pushers of commits that are not the app's. */
  committers: readonly string[];
  /** People whose command, box or issue caused the candidate. */
  causers: readonly string[];
};

export type CountedApproval = { id: number; login: string; rule: RuleName; roles: string[] };
export type RefusedApproval = { id: number; login: string; reason: string };
export type MissingApproval = { rule: RuleName; count: number; roles: readonly string[] };
export type ApprovalCount = {
  state: 'approved' | 'missing';
  counted: CountedApproval[];
  refused: RefusedApproval[];
  missing: MissingApproval[];
};

/** Counts approvals of one digest. Pure: permission, teams and edits were read before. */
export function countApprovals(request: ApprovalRequest): ApprovalCount {
  const refused: RefusedApproval[] = [];
  const valid = new Map<string, ApprovalComment>();
  for (const comment of request.comments) {
    const reason = refusalOf(comment, request);
    if (reason !== null) refused.push({ id: comment.id, login: comment.login, reason });
    else if (!valid.has(key(comment.login))) valid.set(key(comment.login), comment);
  }
  const counted = assign([...valid.values()], request);
  const missing = request.rules
    .map(({ name, rule }) => ({
      rule: name,
      count: rule.required - counted.filter((approval) => approval.rule === name).length,
      roles: rule.roles,
    }))
    .filter(({ count }) => count > 0);
  return { state: missing.length === 0 ? 'approved' : 'missing', counted, refused, missing };
}

/** Why an approval doesn't count, in words for the person who gave it; null when it does. */
export function refusalOf(
  comment: ApprovalComment,
  request: Omit<ApprovalRequest, 'comments'>,
): string | null {
  const is = (login: string | null) => login !== null && key(login) === key(comment.login);
  if (comment.kind === 'bot') return 'bots do not approve';
  if (comment.edited) return 'an edited comment does not count: write a new one';
  if (!/^[0-9a-f]{16,64}$/.test(comment.digest)) return 'it needs 16 or more hex characters of the digest';
  if (!hexOf(request.digest).startsWith(comment.digest)) {
    return `it names ${comment.digest.slice(0, 16)}, and the digest to approve is ${hexOf(request.digest).slice(0, 16)}`;
  }
  const fits = request.others.filter(
    (other) => other !== request.digest && hexOf(other).startsWith(comment.digest),
  );
  if (fits.length > 0) return 'it fits more than one digest: give more characters';
  if (is(request.author)) return 'the author does not approve';
  if (request.committers.some(is)) return 'people who committed to it do not approve';
  if (request.causers.some(is)) return 'the person who caused it does not approve';
  if (!atLeast(comment.permission, 'write')) {
    return `it needs write permission, and the permission is ${comment.permission}`;
  }
  const roles = new Set(request.rules.flatMap(({ rule }) => rule.roles));
  const held = rolesOf(comment, request.roles);
  if (!held.some((role) => roles.has(role))) return `it needs the role ${[...roles].join(' or ')}`;
  return null;
}

/** Roles of the policy that a person holds, by login or by team. */
export function rolesOf(
  person: { login: string; teams: readonly string[] },
  roles: Policy['roles'],
): string[] {
  return Object.entries(roles)
    .filter(
      ([, { people, teams }]) =>
        people.some((login) => key(login) === key(person.login)) ||
        teams.some((team) => person.teams.includes(team)),
    )
    .map(([role]) => role);
}

/**
 * Gives every seat of every rule to a different person, as many as can be (maximum bipartite matching by
 * augmenting paths, Kuhn 1955): greedy seating could leave a rule short that another order would fill.
 */
function assign(people: ApprovalComment[], { rules, roles }: ApprovalRequest): CountedApproval[] {
  const seats = rules.flatMap(({ name, rule }) =>
    Array.from({ length: rule.required }, () => ({ name, rule })),
  );
  const holds = people.map((person) => rolesOf(person, roles));
  const seatOf = new Map<number, number>();
  const fits = (person: number, seat: number) =>
    holds[person]?.some((role) => seats[seat]?.rule.roles.includes(role)) ?? false;
  const personOf = (seat: number) => [...seatOf].find(([, taken]) => taken === seat)?.[0];
  const place = (person: number, tried: Set<number>): boolean => {
    for (const seat of seats.keys()) {
      if (tried.has(seat) || !fits(person, seat)) continue;
      tried.add(seat);
      const holder = personOf(seat);
      if (holder === undefined || place(holder, tried)) {
        seatOf.set(person, seat);
        return true;
      }
    }
    return false;
  };
  for (const person of people.keys()) place(person, new Set());
  return people.flatMap((person, index) => {
    const seat = seats[seatOf.get(index) ?? -1];
    if (!seat) return [];
    return [{ id: person.id, login: person.login, rule: seat.name, roles: holds[index] ?? [] }];
  });
}

/** GitHub logins are compared without case. */
function key(login: string): string {
  return login.toLowerCase();
}

function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
