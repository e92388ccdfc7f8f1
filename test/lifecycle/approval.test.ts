import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ApprovalComment, type ApprovalRequest, countApprovals } from '#lib/lifecycle/approval.ts';
import type { ApprovalRule } from '#lib/lifecycle/policy-rules.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';

const hex = 'ab'.repeat(32);
const digest: Digest = `sha256:${hex}`;
const comment = (login: string, changes: Partial<ApprovalComment> = {}): ApprovalComment => ({
  id: login.length,
  login,
  kind: 'person',
  permission: 'write',
  teams: [],
  digest: hex.slice(0, 16),
  edited: false,
  at: '2026-03-01T10:00:00Z',
  ...changes,
});
const rule = (required: number, roles: string[], more: Partial<ApprovalRule> = {}): ApprovalRule => ({
  required,
  roles,
  distinct_roles: false,
  exclude_author: true,
  expires: null,
  ...more,
});
const request = (changes: Partial<ApprovalRequest> = {}): ApprovalRequest => ({
  digest,
  others: [],
  rules: [{ name: 'model', rule: rule(1, ['ml-lead']) }],
  roles: {
    'ml-lead': { people: ['Lea'], teams: ['leads'] },
    'product-owner': { people: ['Pia', 'Lea'], teams: [] },
  },
  comments: [comment('lea')],
  author: 'dan',
  committers: ['dan'],
  causers: [],
  now: new Date('2026-03-10T10:00:00Z'),
  ...changes,
});

test('one person with the role is enough, logins compared without case', () => {
  expect(countApprovals(request())).toEqual({
    state: 'approved',
    counted: [{ id: 3, login: 'lea', rule: 'model', roles: ['ml-lead', 'product-owner'] }],
    refused: [],
    missing: [],
  });
});

test('a team of the role counts', () => {
  const { state } = countApprovals(request({ comments: [comment('tim', { teams: ['leads'] })] }));
  expect(state).toBe('approved');
});

// Fact 26, need 13.
describe('not counted, with a reason', () => {
  test.each([
    ['a bot', request({ comments: [comment('lea', { kind: 'bot' })] }), /bots/],
    ['an edited comment', request({ comments: [comment('lea', { edited: true })] }), /edited/],
    ['a reader', request({ comments: [comment('lea', { permission: 'read' })] }), /write permission/],
    ['triage', request({ comments: [comment('lea', { permission: 'triage' })] }), /write permission/],
    ['the author', request({ author: 'LEA' }), /author/],
    ['a committer', request({ committers: ['dan', 'Lea'] }), /committed/],
    ['who caused it', request({ causers: ['Lea'] }), /caused/],
    [
      'who overrode a gate of it, whatever the rule says of authors',
      request({
        overriders: ['Lea'],
        rules: request().rules.map(({ name, rule }) => ({ name, rule: { ...rule, exclude_author: false } })),
      }),
      /overrode/,
    ],
    ['another role', request({ comments: [comment('pia')] }), /role ml-lead/],
    ['no role', request({ comments: [comment('eve')] }), /role ml-lead/],
    ['a short digest', request({ comments: [comment('lea', { digest: hex.slice(0, 15) })] }), /16 or more/],
    [
      'the digest before a push',
      request({ comments: [comment('lea', { digest: 'cd'.repeat(8) })] }),
      /names cdcd/,
    ],
    ['an ambiguous digest', request({ others: [`sha256:${hex.slice(0, 62)}ff`] }), /more than one/],
  ])('%s', (_, facts, reason) => {
    const { state, counted, refused, missing } = countApprovals(facts);
    expect(state).toBe('missing');
    expect(counted).toEqual([]);
    expect(refused).toEqual([{ id: 3, login: expect.any(String), reason: expect.stringMatching(reason) }]);
    expect(missing).toEqual([{ rule: 'model', count: 1, roles: ['ml-lead'] }]);
  });
});

test('a longer prefix solves an ambiguity', () => {
  const others: Digest[] = [`sha256:${hex.slice(0, 62)}ff`];
  expect(countApprovals(request({ others, comments: [comment('lea', { digest: hex })] })).state).toBe(
    'approved',
  );
});

test('the same person twice is one approval', () => {
  const rules = [{ name: 'model' as const, rule: rule(2, ['ml-lead', 'product-owner']) }];
  const { counted, missing } = countApprovals(request({ rules, comments: [comment('lea'), comment('LEA')] }));
  expect(counted).toHaveLength(1);
  expect(missing).toMatchObject([{ count: 1 }]);
});

describe('two rules ask for two people', () => {
  const rules: ApprovalRequest['rules'] = [
    { name: 'model', rule: rule(1, ['ml-lead', 'product-owner']) },
    { name: 'inconclusive', rule: rule(1, ['ml-lead']) },
  ];
  test('one person fills one seat', () => {
    const { missing } = countApprovals(request({ rules }));
    expect(missing).toHaveLength(1);
  });
  test.each([[['lea', 'pia']], [['pia', 'lea']]])('seats are found whatever the order: %j', (logins) => {
    const { state, counted } = countApprovals(
      request({ rules, comments: logins.map((login) => comment(login)) }),
    );
    expect(state).toBe('approved');
    expect(counted.find(({ rule }) => rule === 'inconclusive')?.login).toBe('lea');
  });
});

describe('a rule', () => {
  const both = ['ml-lead', 'product-owner'];
  test.each<[string, Partial<ApprovalRequest>, number]>([
    [
      'that lets the author count',
      { rules: [{ name: 'model', rule: rule(1, ['ml-lead'], { exclude_author: false }) }], author: 'lea' },
      1,
    ],
    [
      'that expires counts what is young',
      { rules: [{ name: 'model', rule: rule(1, ['ml-lead'], { expires: 'P9D' }) }] },
      1,
    ],
    [
      'that expires counts nothing older',
      { rules: [{ name: 'model', rule: rule(1, ['ml-lead'], { expires: 'P8D' }) }] },
      0,
    ],
    [
      'with distinct roles takes one person for each',
      {
        rules: [{ name: 'model', rule: rule(2, both, { distinct_roles: true }) }],
        comments: [comment('lea'), comment('pia')],
      },
      2,
    ],
    [
      'with distinct roles takes no two for one',
      {
        rules: [{ name: 'model', rule: rule(2, both, { distinct_roles: true }) }],
        comments: [comment('tim', { teams: ['leads'] }), comment('tom', { teams: ['leads'] })],
      },
      1,
    ],
  ])('%s', (_what, changes, counted) => {
    expect(countApprovals(request(changes)).counted).toHaveLength(counted);
  });

  test('that an approval outlived says so', () => {
    const rules = [{ name: 'model' as const, rule: rule(1, ['ml-lead'], { expires: 'P8D' }) }];
    expect(countApprovals(request({ rules })).refused[0]?.reason).toMatch(/counts for P8D: give it again/);
  });
});

/** The most people that can be seated, by trying every way. */
function mostSeated(people: string[][], rules: ApprovalRule[], seats: string[] = []): number {
  const [held, ...rest] = people;
  if (held === undefined) return 0;
  const ways = rules.flatMap(({ required, roles, distinct_roles }, index) =>
    held
      .filter((role) => roles.includes(role))
      .filter((role) => !distinct_roles || !seats.includes(`${index} ${role}`))
      .filter(() => seats.filter((seat) => seat.startsWith(`${index} `)).length < required)
      .map((role) => 1 + mostSeated(rest, rules, [...seats, `${index} ${role}`])),
  );
  return Math.max(mostSeated(rest, rules, seats), ...ways);
}

test('as many people are seated as can be, whatever the rules', () => {
  const some = (from: string[], min = 0) => fc.subarray(from, { minLength: min });
  const roleNames = ['a', 'b', 'c'];
  const anyRule = fc.record({
    required: fc.integer({ min: 1, max: 3 }),
    roles: some(roleNames, 1),
    distinct: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(some(roleNames), { maxLength: 5 }),
      fc.array(anyRule, { minLength: 1, maxLength: 2 }),
      (held, drawn) => {
        const rules = drawn.map(({ required, roles, distinct }) =>
          rule(required, roles, { distinct_roles: distinct }),
        );
        const people = held.map((_, index) => `p${index}`);
        const { counted } = countApprovals(
          request({
            author: null,
            committers: [],
            rules: rules.map((one) => ({ name: 'model', rule: one })),
            roles: Object.fromEntries(
              roleNames.map((role) => [
                role,
                { people: people.filter((_, index) => held[index]?.includes(role)), teams: [] },
              ]),
            ),
            comments: people.map((login, index) => comment(login, { id: index })),
          }),
        );
        expect(counted).toHaveLength(mostSeated(held, rules));
      },
    ),
  );
});
