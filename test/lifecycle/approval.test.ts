import { describe, expect, test } from 'vitest';
import { type ApprovalComment, type ApprovalRequest, countApprovals } from '#lib/lifecycle/approval.ts';
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
  ...changes,
});
const request = (changes: Partial<ApprovalRequest> = {}): ApprovalRequest => ({
  digest,
  others: [],
  rules: [{ name: 'model', rule: { required: 1, roles: ['ml-lead'] } }],
  roles: {
    'ml-lead': { people: ['Lea'], teams: ['leads'] },
    'product-owner': { people: ['Pia', 'Lea'], teams: [] },
  },
  comments: [comment('lea')],
  author: 'dan',
  committers: ['dan'],
  causers: [],
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
  const rules = [{ name: 'model' as const, rule: { required: 2, roles: ['ml-lead', 'product-owner'] } }];
  const { counted, missing } = countApprovals(request({ rules, comments: [comment('lea'), comment('LEA')] }));
  expect(counted).toHaveLength(1);
  expect(missing).toMatchObject([{ count: 1 }]);
});

describe('two rules ask for two people', () => {
  const rules: ApprovalRequest['rules'] = [
    { name: 'model', rule: { required: 1, roles: ['ml-lead', 'product-owner'] } },
    { name: 'inconclusive', rule: { required: 1, roles: ['ml-lead'] } },
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
