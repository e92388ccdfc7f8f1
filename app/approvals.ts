import { hexOf } from '#lib/formats/digest.ts';
import type { People } from '#lib/github/permissions.ts';
import type { StateBranch } from '#lib/github/state-branch.ts';
import {
  type ApprovalComment,
  type ApprovalCount,
  type ApprovalRequest,
  countApprovals,
  rolesOf,
} from '#lib/lifecycle/approval.ts';
import type { Policy, StandingTerms } from '#lib/lifecycle/policy.ts';
import { approvalRecordSchema, type ProcedureRecord } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { listRecords, recordPath } from '#lib/records/records.ts';

/** Something that people are asked to approve. */
export type Ask = Omit<ApprovalRequest, 'comments' | 'others' | 'roles' | 'now'> & {
  subject: 'problem' | 'candidate' | 'loosening' | 'removal' | 'policy' | 'procedure';
  /** Null where it is about no model. */
  model: string | null;
  /** What is approved, a line each, where the digest alone says too little. */
  about?: string[];
  /** What is recorded with an approval of a procedure. */
  procedure?: ProcedureRecord;
};
export type CountedAsk = Ask & { count: ApprovalCount; standing?: StandingView };
/** What a standing approval says of a candidate. */
export type StandingView = {
  /** It counts as approved: by a procedure that people approved, as the `version`th of `of`. */
  grant: { procedure: Digest; people: readonly string[]; version: number; of: number } | null;
  /** Why the candidate is for people, where a procedure of the model was approved once. */
  deviations: string[];
  /** The procedure, where it is not approved yet. */
  offer: (CountedAsk & { terms: StandingTerms }) | null;
};

type Reads = { forge: { people: People }; state: Pick<StateBranch, 'read' | 'paths'>; now(): Date };

/** Counts the approvals on record of one digest, with the permissions that their givers have now. */
export async function countAsk(
  { forge, state, now }: Reads,
  { ask, others, policy }: { ask: Ask; others: readonly Digest[]; policy: Policy },
): Promise<CountedAsk> {
  const records = await listRecords(state, recordPath.approvals(ask.digest), approvalRecordSchema);
  const comments: ApprovalComment[] = [];
  for (const { comment, login, at } of records) {
    const person = await readPerson(forge.people, login, policy);
    comments.push({
      id: comment,
      login,
      kind: 'person',
      ...person,
      digest: hexOf(ask.digest),
      edited: false,
      at,
    });
  }
  return { ...ask, count: countApprovals({ ...ask, others, roles: policy.roles, comments, now: now() }) };
}

/** Permission and teams of a person, asked live. */
export async function readPerson(
  people: People,
  login: string,
  policy: Policy,
): Promise<Pick<ApprovalComment, 'permission' | 'teams'>> {
  const teams: string[] = [];
  for (const team of new Set(Object.values(policy.roles).flatMap((role) => role.teams))) {
    if (await people.inTeam(team, login)) teams.push(team);
  }
  return { permission: await people.permission(login), teams };
}

/** Looks each person up once, for as long as one count of approvals takes. */
export function onceEach({ permission, inTeam }: People): People {
  const known = new Map<string, Promise<unknown>>();
  const ask = <Value>(key: string, look: () => Promise<Value>): Promise<Value> => {
    const asked = (known.get(key) as Promise<Value> | undefined) ?? look();
    known.set(key, asked);
    return asked;
  };
  return {
    permission: (login) => ask(login, () => permission(login)),
    inTeam: (team, login) => ask(`${team}/${login}`, () => inTeam(team, login)),
  };
}

/**
 * Logins and teams that the policy names for what is missing: the only ones that may be mentioned. Who approved
 * already, or stands behind what is asked, is left out.
 */
export function peopleToAsk(
  { count, author, committers, causers, overriders = [] }: CountedAsk,
  policy: Policy,
  owner: string,
): string[] {
  const behind = [
    author ?? '',
    ...committers,
    ...causers,
    ...overriders,
    ...count.counted.map(({ login }) => login),
  ];
  const roles = new Set(count.missing.flatMap((missing) => missing.roles));
  const given = new Set(behind.map((login) => login.toLowerCase()));
  const named = [...roles].flatMap((role) => {
    const { people = [], teams = [] } = policy.roles[role] ?? {};
    return [
      ...people.filter((login) => !given.has(login.toLowerCase())),
      ...teams.map((team) => `${owner}/${team}`),
    ];
  });
  return [...new Set(named)];
}

export function rolesHeld(person: { login: string; teams: readonly string[] }, policy: Policy): string[] {
  return rolesOf(person, policy.roles);
}
