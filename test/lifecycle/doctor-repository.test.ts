import { expect, test } from 'vitest';
import { checkRepository, type RepositoryFacts } from '../../lib/lifecycle/doctor-repository.ts';
import type { RulesetFact } from '../../lib/lifecycle/doctor-rules.ts';
import { policySchema } from '../../lib/lifecycle/policy.ts';

/** Needs 3, 21: settings that the local GitHub does not have are judged by tables. */
const rule = { required: 1, roles: ['lead'] };
const policy = policySchema.parse({
  version: 1,
  roles: { lead: { people: ['ann'] } },
  approvals: { problem: rule, model: rule, inconclusive: rule },
  environments: [{ name: 'production', target: { kind: 'process', url: 'http://127.0.0.1:1/' } }],
});
const runner = { name: 'box', online: true, ephemeral: true };
const FACTS: RepositoryFacts = {
  repository: { isPrivate: true, defaultBranch: 'main', archived: false, ofOrganization: true },
  rules: { unread: 'not asked here' },
  actions: { value: { enabled: true, allowed: 'all', patterns: null, githubOwned: true } },
  jobToken: { value: { writes: false, mayApprove: false } },
  runners: {
    value: {
      runners: ['untrusted', 'trusted'].map((trust) => ({
        ...runner,
        labels: ['Self-Hosted', `roundhouse-${trust}`],
      })),
      organizationRead: true,
    },
  },
  environments: { value: [{ name: 'production', reviewers: 0, waitMinutes: 0, branches: null }] },
  workflows: { value: [{ path: 'a.yml', state: 'same', pins: ['a'.repeat(40)] }] },
  policy: { value: { value: policy } },
  labels: { value: [{ name: 'ml-problem', present: true }] },
  people: [{ login: 'ann', permission: { value: 'write' } }],
  teams: [],
  runs: { value: [{ workflow: 'roundhouse.yml', conclusion: 'failure', jobs: 2, url: 'u' }] },
};

const selected = (patterns: string[] | null, githubOwned = true): Partial<RepositoryFacts> => ({
  actions: { value: { enabled: true, allowed: 'selected', patterns, githubOwned } },
});
const main: RulesetFact = {
  name: 'main',
  active: true,
  covers: ['refs/heads/main'],
  rules: [],
  bypass: [],
  appBypasses: null,
};
const withGate = (parameters: object, appId: number | null = 7): Partial<RepositoryFacts> => ({
  rules: {
    value: {
      rulesets: [
        {
          ...main,
          rules: [{ type: 'required_status_checks', parameters: { required_status_checks: [parameters] } }],
        },
      ],
      classic: [],
      defaultBranch: 'main',
      appId,
    },
  },
});
const classic = (app: number | null): Partial<RepositoryFacts> => ({
  rules: {
    value: { rulesets: [], classic: [{ context: 'roundhouse/gate', app }], defaultBranch: 'main', appId: 7 },
  },
});

test.each<[string, Partial<RepositoryFacts>, string]>([
  [
    'actions are off',
    { actions: { value: { enabled: false, allowed: 'all', patterns: null, githubOwned: true } } },
    'fail actions',
  ],
  ['selected actions with ours', selected(['roundhouse/roundhouse/*']), 'ok actions'],
  ['selected actions without ours', selected(['other/*']), 'fail actions'],
  ['selected actions without GitHub’s', selected(['roundhouse/*'], false), 'fail actions'],
  ['selected actions that can’t be read', selected(null), 'skip actions'],
  ['a gate of this app', withGate({ context: 'roundhouse/gate', integration_id: 7 }), 'ok ruleset gate'],
  ['a gate of another app', withGate({ context: 'roundhouse/gate', integration_id: 8 }), 'fail ruleset gate'],
  ['a gate of anybody', withGate({ context: 'roundhouse/gate' }), 'fail ruleset gate'],
  ['another check', withGate({ context: 'ci', integration_id: 7 }), 'fail ruleset gate'],
  ['an unknown app', withGate({ context: 'roundhouse/gate', integration_id: 7 }, null), 'skip ruleset gate'],
  ['classic protection of this app', classic(7), 'ok ruleset gate'],
  ['classic protection of anybody', classic(null), 'fail ruleset gate'],
  ['a plan without rulesets', { rules: { value: null } }, 'warn rulesets'],
  ['no runner', { runners: { value: { runners: [], organizationRead: true } } }, 'warn runners trusted'],
  [
    'runners of an organization',
    { runners: { value: { runners: [], organizationRead: false } } },
    'skip runners trusted',
  ],
  [
    'one lasting runner for both kinds',
    {
      runners: {
        value: {
          runners: [
            {
              ...runner,
              ephemeral: false,
              labels: ['self-hosted', 'roundhouse-untrusted', 'roundhouse-trusted'],
            },
          ],
          organizationRead: true,
        },
      },
    },
    'warn runners of both kinds',
  ],
  [
    'selected branches',
    { environments: { value: [{ name: 'production', reviewers: 0, waitMinutes: 0, branches: 'custom' }] } },
    'warn environment production',
  ],
  ['a run that failed in a job', {}, 'ok execution protections'],
  [
    'teams without an organization',
    {
      teams: [{ slug: 'ml', exists: { value: false } }],
      repository: { ...FACTS.repository, ofOrganization: false },
    },
    'fail roles: teams',
  ],
  [
    'a permission that can’t be read',
    { people: [{ login: 'ann', permission: { unread: 'no' } }] },
    'skip roles',
  ],
  ['an archived repository', { repository: { ...FACTS.repository, archived: true } }, 'fail repository'],
  [
    'a rule that nobody can meet',
    {
      policy: {
        value: {
          value: { ...policy, approvals: { ...policy.approvals, model: { required: 2, roles: ['lead'] } } },
        },
      },
    },
    'fail approvals model',
  ],
])('%s', (_, broken, wanted) => {
  const told = checkRepository({ ...FACTS, ...broken }).map(({ status, check }) => `${status} ${check}`);
  expect(told).toContain(wanted);
});

test('as it should be, but for the rules, which nobody asked', () => {
  const told = checkRepository(FACTS).filter(({ status }) => status !== 'ok');
  expect(told).toEqual([{ check: 'rulesets', status: 'skip', found: 'not asked here', fix: null }]);
});
