import { describe, expect, test } from 'vitest';
import { type CommandFacts, decideCommand, refusalOfAction } from '#lib/lifecycle/command-permission.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import { policySchema } from '#lib/lifecycle/policy.ts';

const POLICY: Policy = policySchema.parse({
  version: 1,
  roles: { 'product-owner': { people: ['Ann'] }, 'ml-lead': { people: ['bob'], teams: ['ml'] }, idle: {} },
  approvals: {
    problem: { required: 1, roles: ['product-owner'] },
    model: { required: 2, roles: ['ml-lead'] },
    inconclusive: { required: 1, roles: ['ml-lead'] },
  },
  environments: [{ name: 'production', target: { kind: 'process', url: 'http://127.0.0.1:1' } }],
});

function facts(change: Partial<CommandFacts>): CommandFacts {
  return {
    login: 'carl',
    kind: 'person',
    permission: 'write',
    teams: [],
    isAuthor: false,
    place: 'pull request',
    ...change,
  };
}

describe('decideCommand', () => {
  test.each([
    ['help', { permission: 'none' }, null],
    ['help', { kind: 'bot' }, 'bots give no commands'],
    ['plan', {}, null],
    ['plan', { place: 'issue' }, 'it belongs on a pull request'],
    ['plan', { permission: 'read' }, 'it needs write permission, and yours is read'],
    ['approve', { permission: 'read' }, null],
    ['object', {}, 'it needs the role product-owner (Ann) or ml-lead (bob, team ml) or idle (nobody yet)'],
    ['object', { login: 'ann', permission: 'read' }, null],
    ['update', { isAuthor: true }, null],
    ['update', { isAuthor: true, permission: 'read' }, 'it needs write permission, and yours is read'],
    ['update', { teams: ['ml'] }, null],
    ['update', {}, /or idle \(nobody yet\), or to be the author of the pull request$/],
    ['deploy', {}, null],
    ['rollback', {}, 'it needs the role ml-lead (bob, team ml)'],
    ['rollback', { login: 'BOB' }, null],
    ['rollback', { login: 'bob', permission: 'triage' }, /needs write permission/],
    ['override', { login: 'bob' }, 'it needs the role product-owner (Ann)'],
    ['override', { login: 'ann' }, null],
    ['ok-to-train', { login: 'bob' }, 'it needs maintain permission, and yours is write'],
    ['ok-to-train', { permission: 'admin' }, null],
  ] as const)('/%s by %j', (name, change, refusal) => {
    const expected =
      refusal === null
        ? { kind: 'allowed' }
        : { kind: 'refused', text: typeof refusal === 'string' ? refusal : expect.stringMatching(refusal) };
    expect(decideCommand(name, facts(change), POLICY)).toEqual(expected);
  });
});

test('the rule of the environment counts that the command names, the strictest where it names none', () => {
  const policy = policySchema.parse({
    ...POLICY,
    approvals: {
      ...POLICY.approvals,
      rollback: {
        required: 1,
        roles: ['ml-lead'],
        by_environment: { production: { required: 2, roles: ['product-owner'] } },
      },
    },
  });
  const may = (environment?: string) =>
    decideCommand('rollback', facts({ login: 'bob', environment }), policy).kind;
  expect([may('staging'), may('production'), may()]).toEqual(['allowed', 'refused', 'refused']);
});

test('the rule of the tier counts once the model is known', () => {
  const rule = { required: 1, roles: ['product-owner'] };
  const policy = policySchema.parse({
    ...POLICY,
    approvals: {
      ...POLICY.approvals,
      deploy: { required: 1, roles: ['ml-lead'], by_risk: { high: rule }, by_environment: { staging: rule } },
    },
  });
  const bob = facts({ login: 'bob' });
  const reasonOf = (environment: string, risk: 'low' | 'high') =>
    refusalOfAction('deploy', bob, policy, { environment, risk });
  expect(reasonOf('production', 'low')).toBeNull();
  expect(reasonOf('production', 'high')).toBe('it needs the role product-owner (Ann)');
  expect(reasonOf('staging', 'low')).toBe('it needs the role product-owner (Ann)');
});
