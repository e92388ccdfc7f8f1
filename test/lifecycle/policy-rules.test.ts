import { describe, expect, test } from 'vitest';
import { checkPolicy } from '#lib/lifecycle/config-checks.ts';
import { type Policy, policySchema } from '#lib/lifecycle/policy.ts';
import { type Action, higherRisk, requirementOf, type Scope } from '#lib/lifecycle/policy-rules.ts';

const BARE = {
  version: 1,
  roles: { owner: { people: ['ann'] }, lead: { people: ['bob'] }, risk: { people: ['eve'] } },
  approvals: {
    problem: { required: 2, roles: ['owner'] },
    model: { required: 2, roles: ['lead'] },
    inconclusive: { required: 1, roles: ['owner'] },
  },
  environments: ['staging', 'production'].map((name) => ({
    name,
    target: { kind: 'process', url: 'http://127.0.0.1:1' },
  })),
};
const policyOf = (approvals: object = {}, more: object = {}): Policy =>
  policySchema.parse({ ...BARE, approvals: { ...BARE.approvals, ...approvals }, ...more });

describe('requirementOf', () => {
  test.each<[Action, object]>([
    [
      'problem',
      {
        kind: 'rule',
        from: 'approvals.problem',
        rule: { required: 2, roles: ['owner'], exclude_author: true },
      },
    ],
    [
      'rollback',
      { kind: 'rule', from: 'the roles of approvals.model', rule: { required: 1, roles: ['lead'] } },
    ],
    ['promote', { kind: 'rule', rule: { required: 1, roles: ['lead'] } }],
    ['override', { kind: 'rule', rule: { required: 1, roles: ['owner'] } }],
    ['unfreeze', { kind: 'rule', rule: { required: 1, roles: ['owner'] } }],
    ['policy', { kind: 'rule', rule: { required: 1, roles: ['owner', 'lead'] } }],
    ['deploy', { kind: 'permission', permission: 'write' }],
    ['ok-to-train', { kind: 'permission', permission: 'maintain' }],
    ['hold', { kind: 'permission', permission: 'write' }],
  ])('of %s where the policy says nothing of its own', (action, expected) => {
    expect(requirementOf(policyOf(), action)).toMatchObject(expected);
  });

  const deploy = {
    required: 1,
    roles: ['lead'],
    by_environment: { production: { required: 2, roles: ['lead', 'owner'], distinct_roles: true } },
    by_risk: { low: { required: 1, roles: ['owner'] }, high: { required: 3, roles: ['lead'] } },
  };
  test.each<[Scope, string]>([
    [{ environment: 'staging', risk: 'medium' }, 'approvals.deploy'],
    [{ environment: 'production', risk: 'medium' }, 'approvals.deploy.by_environment.production'],
    [{ environment: 'staging', risk: 'low' }, 'approvals.deploy.by_risk.low'],
    [{ environment: 'production', risk: 'low' }, 'approvals.deploy.by_environment.production'],
    [{ environment: 'production', risk: 'high' }, 'approvals.deploy.by_risk.high'],
    [{ environment: 'staging' }, 'approvals.deploy.by_risk.high'],
    [{ risk: 'medium' }, 'approvals.deploy.by_environment.production'],
    [{}, 'approvals.deploy.by_risk.high'],
  ])('takes the strictest of what applies in %j: %s', (scope, from) => {
    expect(requirementOf(policyOf({ deploy }), 'deploy', scope)).toMatchObject({ from });
  });

  test('a tier may ask for less than the rule', () => {
    const model = { required: 2, roles: ['lead'], by_risk: { low: { required: 1, roles: ['owner'] } } };
    const ofRisk = (risk: 'low' | 'high') => requirementOf(policyOf({ model }), 'model', { risk });
    expect([ofRisk('low'), ofRisk('high')]).toMatchObject([
      { rule: { required: 1 } },
      { rule: { required: 2 } },
    ]);
  });

  test('holds are for the roles that the policy names', () => {
    const policy = policyOf({}, { holds: { unhold: ['owner'] } });
    expect(requirementOf(policy, 'unhold')).toMatchObject({
      from: 'holds.unhold',
      rule: { roles: ['owner'] },
    });
    expect(requirementOf(policy, 'hold')).toEqual({ kind: 'permission', permission: 'write' });
  });
});

test('the higher tier counts', () => {
  expect([higherRisk('low', 'high'), higherRisk('high', 'low'), higherRisk('low', undefined)]).toEqual([
    'high',
    'high',
    'low',
  ]);
});

test('names that nothing defines, and more distinct roles than are named, are faults at their place', () => {
  const policy = policyOf(
    {
      rollback: { required: 1, roles: ['boss'], by_environment: { prod: { required: 1, roles: ['lead'] } } },
      override: { required: 2, roles: ['owner'], distinct_roles: true },
    },
    { holds: { hold: ['chief'] } },
  );
  expect(checkPolicy(policy)).toEqual([
    {
      path: ['approvals', 'rollback', 'roles', 0],
      message: expect.stringContaining('"boss" is not defined'),
    },
    {
      path: ['approvals', 'rollback', 'by_environment', 'prod'],
      message: expect.stringContaining('staging, production'),
    },
    {
      path: ['approvals', 'override', 'required'],
      message: '2 distinct roles are asked for, and 1 are named',
    },
    { path: ['holds', 'hold', 0], message: expect.stringContaining('"chief" is not defined') },
  ]);
});

test('a rule for /deploy that nothing would hold is a fault', () => {
  const policy = policyOf({
    deploy: {
      required: 1,
      roles: ['lead'],
      by_environment: { production: { required: 2, roles: ['lead'] } },
    },
    'ok-to-train': { required: 2, roles: ['lead'] },
  });
  expect(checkPolicy(policy).map(({ path }) => path.join('.'))).toEqual([
    'approvals.deploy.by_environment.production.required',
    'approvals.ok-to-train.required',
  ]);
});
