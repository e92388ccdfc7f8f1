import { durationMs } from './duration.ts';
import type { Policy } from './policy.ts';
import type { Action, ApprovalRule } from './policy-rules.ts';
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
  /** When it was written, an ISO 8601 instant. */
  at: string;
};

export type ApprovalRequest = {
  /** What has to be approved. */
  digest: Digest;
  /** Other digests that are open for approval: a prefix that fits two is refused. */
  others: readonly Digest[];
  /** Each rule asks for people of its own: nobody counts twice. */
  rules: readonly { name: Action; rule: ApprovalRule }[];
  roles: Policy['roles'];
  comments: readonly ApprovalComment[];
  /** Who opened the pull request or issue; null where the app did. */
  author: string | null;
  /** Authors, committers and pushers of commits that are not the app's. */
  committers: readonly string[];
  /** People whose command, box or issue caused the candidate. */
  causers: readonly string[];
  /** People who never count here, whatever the rule says of authors: who overrode a gate of the candidate. */
  overriders?: readonly string[];
  now: Date;
};

export type CountedApproval = { id: number; login: string; rule: Action; roles: string[] };
export type RefusedApproval = { id: number; login: string; reason: string };
export type MissingApproval = { rule: Action; count: number; roles: readonly string[] };
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
  if (!atLeast(comment.permission, 'write')) {
    return `it needs write permission, and the permission is ${comment.permission}`;
  }
  if (request.overriders?.some((login) => key(login) === key(comment.login))) {
    return 'whoever overrode a gate of it does not approve it as well';
  }
  const held = rolesOf(comment, request.roles);
  const reasons = request.rules.map(({ rule }) => refusalByRule(comment, rule, held, request));
  if (reasons.includes(null)) return null;
  const own = reasons.filter((reason) => reason !== null && reason !== NO_ROLE);
  const roles = new Set(request.rules.flatMap(({ rule }) => rule.roles));
  return own[0] ?? `it needs the role ${[...roles].join(' or ')}`;
}

const NO_ROLE = 'no role';

/** Why an approval doesn't count for one rule; null when it does. */
function refusalByRule(
  { login, at }: ApprovalComment,
  rule: ApprovalRule,
  held: readonly string[],
  { author, committers, causers, now }: Omit<ApprovalRequest, 'comments'>,
): string | null {
  const is = (other: string | null) => other !== null && key(other) === key(login);
  if (rule.exclude_author) {
    if (is(author)) return 'the author does not approve';
    if (committers.some(is)) return 'people who committed to it do not approve';
    if (causers.some(is)) return 'the person who caused it does not approve';
  }
  if (!held.some((role) => rule.roles.includes(role))) return NO_ROLE;
  if (rule.expires !== null && now.getTime() - Date.parse(at) > durationMs(rule.expires)) {
    return `it was given at ${at}, and an approval counts for ${rule.expires}: give it again`;
  }
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

type Seat = { rule: number; role: string };

/**
 * Seats as many people as can be, each once: augmenting paths (Kuhn 1955; Ford and Fulkerson 1956), because greedy
 * seating could leave a rule short that another order would fill. A rule has `required` seats, and with distinct
 * roles no more than one for each role.
 */
function assign(people: ApprovalComment[], request: ApprovalRequest): CountedApproval[] {
  const holds = people.map((person) => rolesOf(person, request.roles));
  const options = people.map((person, index) => seatsOf(person, holds[index] ?? [], request));
  const taken = new Map<number, Seat>();
  const place = (person: number, tried: Set<number>): boolean => {
    tried.add(person);
    for (const seat of options[person] ?? []) {
      const before = [...taken];
      const inTheWay = blockers(seat, taken, request.rules);
      taken.set(person, seat);
      if (inTheWay.length === 0) return true;
      for (const other of inTheWay.filter((one) => !tried.has(one))) {
        taken.delete(other);
        if (place(other, tried)) return true;
        restore(taken, [...before, [person, seat]]);
      }
      restore(taken, before);
    }
    return false;
  };
  for (const person of people.keys()) place(person, new Set());
  return people.flatMap((person, index) => {
    const name = request.rules[taken.get(index)?.rule ?? -1]?.name;
    if (name === undefined) return [];
    return [{ id: person.id, login: person.login, rule: name, roles: holds[index] ?? [] }];
  });
}

function seatsOf(person: ApprovalComment, held: string[], request: ApprovalRequest): Seat[] {
  return request.rules.flatMap(({ rule }, index) =>
    refusalByRule(person, rule, held, request) === null
      ? held.filter((role) => rule.roles.includes(role)).map((role) => ({ rule: index, role }))
      : [],
  );
}

/** People of whom one has to move before somebody can sit here; none where there is room. */
function blockers(seat: Seat, taken: Map<number, Seat>, rules: ApprovalRequest['rules']): number[] {
  const rule = rules[seat.rule]?.rule;
  const inRule = [...taken].filter(([, other]) => other.rule === seat.rule);
  const inRole = inRule.filter(([, other]) => other.role === seat.role);
  if (rule?.distinct_roles && inRole.length > 0) return inRole.map(([person]) => person);
  return inRule.length < (rule?.required ?? 0) ? [] : inRule.map(([person]) => person);
}

function restore(taken: Map<number, Seat>, entries: Iterable<[number, Seat]>): void {
  taken.clear();
  for (const [person, seat] of entries) taken.set(person, seat);
}

/** GitHub logins are compared without case. */
function key(login: string): string {
  return login.toLowerCase();
}

function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
