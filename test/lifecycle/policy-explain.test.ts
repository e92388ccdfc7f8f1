import { expect, test } from 'vitest';
import { policySchema } from '#lib/lifecycle/policy.ts';
import { explainAction } from '#lib/lifecycle/policy-explain.ts';

const policy = policySchema.parse({
  version: 1,
  roles: { owner: { people: ['ann'] }, lead: { people: ['bob'], teams: ['ml'] } },
  approvals: {
    problem: { required: 1, roles: ['owner'], exclude_author: false },
    model: {
      required: 1,
      roles: ['lead'],
      expires: 'P30D',
      by_risk: { high: { required: 2, roles: ['lead', 'owner'], distinct_roles: true } },
    },
    inconclusive: { required: 1, roles: ['owner'] },
  },
  environments: [{ name: 'production', target: { kind: 'process', url: 'http://127.0.0.1:1' } }],
});

test('a rule is explained with who holds its roles, where it stands and whom it leaves out', () => {
  expect(explainAction(policy, 'model', { risk: 'high' })).toMatchObject({
    required: 2,
    from: 'approvals.model.by_risk.high',
    roles: [
      { role: 'lead', people: ['bob'], teams: ['ml'] },
      { role: 'owner', people: ['ann'], teams: [] },
    ],
    excludes: [/bots/, /opened it/, /same role/, /twice/].map((text) => expect.stringMatching(text)),
    expires: null,
  });
  expect(explainAction(policy, 'model', { risk: 'low' })).toMatchObject({ required: 1, expires: 'P30D' });
});

test('an author whom the rule counts is not said to be left out', () => {
  expect(explainAction(policy, 'problem').excludes).toEqual([expect.stringMatching(/bots/)]);
});

test('a permission is explained where the policy says nothing', () => {
  expect(explainAction(policy, 'ok-to-train')).toMatchObject({
    permission: 'maintain',
    roles: [],
    from: null,
  });
});
