import { describe, expect, test } from 'vitest';
import { type ApprovalComment, countApprovals, refusalOf } from '#lib/lifecycle/approval.ts';
import { COMMAND_NAMES, type CommandName } from '#lib/lifecycle/command.ts';
import { type CommandFacts, decideCommand } from '#lib/lifecycle/command-permission.ts';
import { policySchema } from '#lib/lifecycle/policy.ts';
import { type Approved, approvalRule } from '#lib/lifecycle/policy-rules.ts';

/** Who may do what, written by hand beside the code: nothing below asks the table of commands. */

const POLICY = policySchema.parse({
  version: 1,
  roles: {
    'product-owner': { people: ['pia'] },
    'ml-lead': { people: ['lea'], teams: ['leads'] },
  },
  approvals: {
    problem: { required: 1, roles: ['product-owner'] },
    model: { required: 1, roles: ['ml-lead'] },
    inconclusive: { required: 1, roles: ['product-owner'] },
    policy: { required: 1, roles: ['product-owner'] },
  },
  holds: { unhold: ['product-owner', 'ml-lead'] },
  environments: [{ name: 'production', target: { kind: 'process', url: 'http://127.0.0.1:1' } }],
});

const PEOPLE = {
  stranger: { login: 'sam', kind: 'person', permission: 'none', teams: [] },
  reader: { login: 'rob', kind: 'person', permission: 'read', teams: [] },
  triager: { login: 'tia', kind: 'person', permission: 'triage', teams: [] },
  writer: { login: 'wim', kind: 'person', permission: 'write', teams: [] },
  maintainer: { login: 'max', kind: 'person', permission: 'maintain', teams: [] },
  admin: { login: 'ada', kind: 'person', permission: 'admin', teams: [] },
  'product owner': { login: 'pia', kind: 'person', permission: 'write', teams: [] },
  'ml lead': { login: 'lea', kind: 'person', permission: 'write', teams: [] },
  'ml lead by team': { login: 'tom', kind: 'person', permission: 'write', teams: ['leads'] },
  'ml lead who only reads': { login: 'lea', kind: 'person', permission: 'read', teams: [] },
  bot: { login: 'renovate[bot]', kind: 'bot', permission: 'write', teams: [] },
} as const satisfies Record<string, Omit<CommandFacts, 'isAuthor' | 'place'>>;
type Person = keyof typeof PEOPLE;
const EVERYBODY = Object.keys(PEOPLE) as Person[];

const HUMANS: Person[] = EVERYBODY.filter((person) => person !== 'bot');
const WRITERS: Person[] = ['writer', 'maintainer', 'admin', 'product owner', 'ml lead', 'ml lead by team'];
const LEADS: Person[] = ['ml lead', 'ml lead by team'];
const ROLES: Person[] = ['product owner', ...LEADS];

/** Who may give each command, where it may stand, and who more may where they opened the pull request. */
const RULES: Record<CommandName, { may: Person[]; on: 'both' | 'pull request'; asAuthor?: Person[] }> = {
  help: { may: HUMANS, on: 'both' },
  why: { may: HUMANS, on: 'both' },
  history: { may: HUMANS, on: 'both' },
  // Whose approval counts is told apart below, by what the digest names.
  approve: { may: HUMANS, on: 'both' },
  object: { may: [...ROLES, 'ml lead who only reads'], on: 'both' },
  hold: { may: WRITERS, on: 'both' },
  unhold: { may: ROLES, on: 'both' },
  plan: { may: WRITERS, on: 'pull request' },
  train: { may: WRITERS, on: 'pull request' },
  evaluate: { may: WRITERS, on: 'pull request' },
  decide: { may: WRITERS, on: 'both' },
  cancel: { may: WRITERS, on: 'pull request' },
  update: { may: ROLES, on: 'pull request', asAuthor: WRITERS },
  retrain: { may: WRITERS, on: 'both' },
  deploy: { may: WRITERS, on: 'both' },
  promote: { may: LEADS, on: 'both' },
  rollback: { may: LEADS, on: 'both' },
  override: { may: ['product owner'], on: 'pull request' },
  unfreeze: { may: ['product owner'], on: 'both' },
  'ok-to-train': { may: ['maintainer', 'admin'], on: 'pull request' },
};

const STATES = [
  { place: 'pull request', isAuthor: false },
  { place: 'pull request', isAuthor: true },
  { place: 'issue', isAuthor: false },
] as const;

const CASES = COMMAND_NAMES.flatMap((command) =>
  EVERYBODY.flatMap((person) => STATES.map((state) => ({ command, person, ...state }))),
);

test('the matrix is as large as it says', () => {
  expect(Object.keys(RULES).sort()).toEqual([...COMMAND_NAMES].sort());
  expect(CASES.length).toBeGreaterThan(600);
});

describe.each(COMMAND_NAMES)('/%s', (command) => {
  test.each(CASES.filter((one) => one.command === command))(
    'by $person on $place, author: $isAuthor',
    ({ person, place, isAuthor }) => {
      const { may, on, asAuthor = [] } = RULES[command];
      const isExpected =
        (on === 'both' || on === place) && (may.includes(person) || (isAuthor && asAuthor.includes(person)));
      const decision = decideCommand(command, { ...PEOPLE[person], place, isAuthor }, POLICY);
      expect(decision.kind).toBe(isExpected ? 'allowed' : 'refused');
      if (decision.kind === 'refused') expect(decision.text.length).toBeGreaterThan(10);
    },
  );
});

const HEX = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);

/** Whose approval counts for what, where nothing else is wrong with it. */
const APPROVERS: Record<'problem' | 'model' | 'inconclusive' | 'policy', Person[]> = {
  problem: ['product owner'],
  model: LEADS,
  inconclusive: ['product owner'],
  policy: ['product owner'],
};

/** What is wrong with an approval, whoever gives it; null = nothing. */
const FAULTS: [
  string,
  Partial<ApprovalComment>,
  { [Part in 'author' | 'committers' | 'causers']?: true },
  RegExp | null,
][] = [
  ['in order', {}, {}, null],
  ['by the author', {}, { author: true }, /author does not approve/],
  ['by a committer', {}, { committers: true }, /committed/],
  ['by who caused it', {}, { causers: true }, /caused/],
  ['in an edited comment', { edited: true }, {}, /edited comment/],
  ['after a push', { digest: OTHER.slice(0, 16) }, {}, /it names cdcd/],
  ['of 15 characters', { digest: HEX.slice(0, 15) }, {}, /16 or more/],
  ['of no hex', { digest: 'everything please' }, {}, /16 or more/],
];

describe.each(Object.keys(APPROVERS) as (keyof typeof APPROVERS & Approved)[])(
  '/approve of the %s',
  (subject) => {
    const cases = EVERYBODY.flatMap((person) => FAULTS.map(([fault, ...rest]) => ({ person, fault, rest })));
    test.each(cases)('$fault by $person', ({ person, rest: [change, own, reason] }) => {
      const { login, ...facts } = PEOPLE[person];
      const comment: ApprovalComment = {
        ...{ id: 1, login, ...facts, digest: HEX.slice(0, 16), edited: false, at: '2026-03-01T10:00:00Z' },
        ...change,
      };
      const request = {
        digest: `sha256:${HEX}` as const,
        others: [],
        rules: [{ name: subject, rule: approvalRule(POLICY, subject) }],
        roles: POLICY.roles,
        author: own.author ? login : 'dan',
        committers: own.committers ? ['dan', login] : ['dan'],
        causers: own.causers ? [login] : [],
        now: new Date('2026-03-02T10:00:00Z'),
      };
      const isExpected = reason === null && APPROVERS[subject].includes(person);
      const refusal = refusalOf(comment, request);
      expect(refusal === null).toBe(isExpected);
      if (reason !== null && WRITERS.includes(person)) expect(refusal).toMatch(reason);
      expect(countApprovals({ ...request, comments: [comment] }).state).toBe(
        isExpected ? 'approved' : 'missing',
      );
    });
  },
);
