import type { Permission } from './approval.ts';
import { PERMISSIONS } from './approval.ts';
import { type Check, checkRead, fail, ok, type Read, skip, warn } from './doctor.ts';
import { checkWorkflows, type WorkflowFact } from './doctor-machine.ts';
import { checkNoRules, checkRules, type RulesFacts } from './doctor-rules.ts';
import type { Policy } from './policy.ts';
import { ACTIONS, requirementOf } from './policy-rules.ts';

export type RunnerFact = { name: string; online: boolean; labels: readonly string[]; ephemeral: boolean };
type RunFact = { workflow: string; conclusion: string | null; jobs: number; url: string };

export type RepositoryFacts = {
  repository: { isPrivate: boolean; defaultBranch: string; archived: boolean; ofOrganization: boolean };
  /** `null`: the plan has no rulesets. */
  rules: Read<RulesFacts | null>;
  actions: Read<{
    enabled: boolean;
    allowed: string;
    patterns: readonly string[] | null;
    githubOwned: boolean;
  }>;
  jobToken: Read<{ writes: boolean; mayApprove: boolean }>;
  runners: Read<{ runners: readonly RunnerFact[]; organizationRead: boolean }>;
  environments: Read<
    readonly { name: string; reviewers: number; waitMinutes: number; branches: string | null }[]
  >;
  workflows: Read<readonly WorkflowFact[]>;
  policy: Read<{ value: Policy } | { faults: readonly string[] }>;
  /** Labels that issue forms name. */
  labels: Read<readonly { name: string; present: boolean }[]>;
  people: readonly { login: string; permission: Read<Permission> }[];
  teams: readonly { slug: string; exists: Read<boolean> }[];
  /** The newest run of each generated workflow. */
  runs: Read<readonly RunFact[]>;
};

export function checkRepository(facts: RepositoryFacts): Check[] {
  const { repository } = facts;
  const policy = 'value' in facts.policy && 'value' in facts.policy.value ? facts.policy.value.value : null;
  return [
    repository.archived
      ? fail('repository', 'archived: nothing can be written', 'unarchive it')
      : ok(
          'repository',
          `${repository.isPrivate ? 'private' : 'public'}, default branch ${repository.defaultBranch}`,
        ),
    ...checkRead('rulesets', facts.rules, (rules) => (rules === null ? checkNoRules() : checkRules(rules))),
    ...checkRead('actions', facts.actions, checkActions),
    ...checkRead('token of jobs', facts.jobToken, checkJobToken),
    ...checkRead('runners', facts.runners, (found) => checkRunners(found, policy, repository.isPrivate)),
    ...checkRead('environments', facts.environments, (found) => checkEnvironments(found, policy)),
    ...checkRead('workflow files', facts.workflows, (files) => checkWorkflows(files)),
    ...checkRead('execution protections', facts.runs, checkRuns),
    ...checkRead('policy', facts.policy, checkPolicyFile),
    ...checkRead('labels of issue forms', facts.labels, checkLabels),
    ...(policy === null ? [] : checkRoles(facts, policy)),
  ];
}

function checkActions(found: {
  enabled: boolean;
  allowed: string;
  patterns: readonly string[] | null;
  githubOwned: boolean;
}): Check {
  const { enabled, allowed, patterns, githubOwned } = found;
  if (!enabled) return fail('actions', 'switched off', 'switch them on: Settings, Actions, General');
  if (allowed === 'all') return ok('actions', 'on, all actions allowed');
  const need = 'allow actions by GitHub, and roundhouse/roundhouse/*';
  if (allowed === 'local_only') return fail('actions', 'only those of this owner may run', need);
  if (patterns === null) return skip('actions', 'only selected ones may run, and which can’t be read');
  const allows = (name: string) =>
    patterns.some((pattern) => {
      const [start = ''] = pattern.split('*');
      return pattern.includes('*') ? name.startsWith(start) : name.startsWith(pattern.replace(/@.*$/, ''));
    });
  const missing = [
    ...(githubOwned || allows('actions/checkout')
      ? []
      : ['actions/checkout, actions/upload-artifact, actions/download-artifact']),
    ...(allows('roundhouse/roundhouse/actions/plan') ? [] : ['roundhouse/roundhouse/*']),
  ];
  if (missing.length > 0) return fail('actions', `not among the selected ones: ${missing.join(', ')}`, need);
  return ok('actions', 'on; those that the workflows use are allowed');
}

function checkJobToken({ writes, mayApprove }: { writes: boolean; mayApprove: boolean }): Check {
  const faults = [
    ...(writes ? ['may write where a workflow says nothing'] : []),
    ...(mayApprove ? ['may create and approve pull requests'] : []),
  ];
  if (faults.length === 0) return ok('token of jobs', 'reads, where a workflow says nothing');
  return warn(
    'token of jobs',
    faults.join('; '),
    'no workflow of Roundhouse needs it: Settings, Actions, General, Workflow permissions',
  );
}

function checkRunners(
  { runners, organizationRead }: { runners: readonly RunnerFact[]; organizationRead: boolean },
  policy: Policy | null,
  isPrivate: boolean,
): Check[] {
  const lasting = runners.filter(({ ephemeral }) => !ephemeral);
  const exposed =
    isPrivate || lasting.length === 0
      ? []
      : [
          fail(
            'runners of a public repository',
            `not ephemeral: ${lasting.map(({ name }) => name).join(', ')}`,
            'anybody’s pull request could leave something on them: use ephemeral ones, or make the repository private',
          ),
        ];
  if (policy === null) return [skip('runners', 'which labels are needed stands in the policy'), ...exposed];
  const checks = (['untrusted', 'trusted'] as const).map((trust) => {
    const wanted = policy.runners[trust];
    const name = `runners ${trust}`;
    const fits = runners.filter(({ labels }) => wanted.every((label) => hasLabel(labels, label)));
    const online = fits.filter((one) => one.online);
    if (online.length > 0) return ok(name, `online: ${online.map((one) => one.name).join(', ')}`);
    const found = `none with ${wanted.join(' and ')} is online${fits.length > 0 ? `; offline: ${fits.map((one) => one.name).join(', ')}` : ''}`;
    if (!organizationRead) return skip(name, `${found} here, and those of the organization can’t be read`);
    return warn(
      name,
      found,
      'start one, unless a scaler starts them on demand: a job waits 24 hours at most',
    );
  });
  const both = runners.filter(({ labels }) =>
    [...policy.runners.untrusted, ...policy.runners.trusted].every((label) => hasLabel(labels, label)),
  );
  const mixed = both.filter(({ ephemeral }) => !ephemeral).map(({ name }) => name);
  if (mixed.length === 0) return [...checks, ...exposed];
  return [
    ...checks,
    warn(
      'runners of both kinds',
      `${mixed.join(', ')} runs the users’ code and what judges it`,
      'give the two labels to different hosts: code of a pull request could wait there for the judge',
    ),
    ...exposed,
  ];
}

function hasLabel(labels: readonly string[], wanted: string): boolean {
  return labels.some((label) => label.toLowerCase() === wanted.toLowerCase());
}

function checkEnvironments(
  found: readonly { name: string; reviewers: number; waitMinutes: number; branches: string | null }[],
  policy: Policy | null,
): Check[] {
  if (policy === null) return [skip('environments', 'which are used stands in the policy')];
  return policy.environments.map(({ name: wanted }) => {
    const name = `environment ${wanted}`;
    const one = found.find((candidate) => candidate.name === wanted);
    if (one === undefined)
      return ok(name, 'not there yet: its first deployment makes it, without rules or secrets');
    if (one.branches === 'custom')
      return warn(
        name,
        'takes selected branches only',
        'the default branch must be among them: deployments run from there',
      );
    const rules = [
      ...(one.reviewers > 0 ? [`${one.reviewers} reviewers`] : []),
      ...(one.waitMinutes > 0 ? [`waits ${one.waitMinutes} minutes`] : []),
      ...(one.branches === 'protected' ? ['protected branches only'] : []),
    ];
    return ok(
      name,
      rules.length === 0 ? 'no rules of its own' : `${rules.join(', ')}, on top of the policy’s approvals`,
    );
  });
}

/** A run that was refused ends without a job: what a file that can't be read leaves, and what an allow-list of events or actors leaves. */
function checkRuns(runs: readonly RunFact[]): Check {
  const name = 'execution protections';
  const stopped = runs.filter(
    ({ conclusion, jobs }) => jobs === 0 && (conclusion === 'failure' || conclusion === 'startup_failure'),
  );
  if (stopped.length > 0)
    return fail(
      name,
      `the newest run ended before any job: ${stopped.map(({ workflow, url }) => `${workflow} (${url})`).join(', ')}`,
      'read the run’s page: an Actions policy of this repository, organization or enterprise must allow workflow_dispatch of roundhouse*.yml by the app',
    );
  if (runs.length === 0)
    return skip(name, 'no workflow ran yet, and GitHub tells the policy only by refusing a run');
  return ok(name, `the newest runs of ${runs.map(({ workflow }) => workflow).join(', ')} were started`);
}

function checkPolicyFile(policy: { value: Policy } | { faults: readonly string[] }): Check {
  if ('value' in policy) return ok('policy', '.github/roundhouse.yml of the default branch parses');
  return fail(
    'policy',
    policy.faults.join('\n'),
    'change it on the default branch: nothing is planned without it',
  );
}

function checkLabels(labels: readonly { name: string; present: boolean }[]): Check {
  const missing = labels.filter(({ present }) => !present).map(({ name }) => name);
  if (missing.length === 0)
    return ok('labels of issue forms', labels.map(({ name }) => name).join(', ') || 'none named');
  return fail(
    'labels of issue forms',
    `missing: ${missing.join(', ')}. GitHub leaves them out without a word`,
    missing.map((name) => `gh label create ${name}`).join('\n'),
  );
}

function checkRoles({ people, teams, repository }: RepositoryFacts, policy: Policy): Check[] {
  const weak = people.flatMap(({ login, permission }) =>
    'value' in permission && PERMISSIONS.indexOf(permission.value) < PERMISSIONS.indexOf('write')
      ? [`${login} (${permission.value === 'none' ? 'no access, or no such person' : permission.value})`]
      : [],
  );
  const unknown = [
    ...people.flatMap(({ permission }) => ('unread' in permission ? [permission.unread] : [])),
    ...teams.flatMap(({ exists }) => ('unread' in exists ? [exists.unread] : [])),
  ];
  const lost = teams.filter(({ exists }) => 'value' in exists && !exists.value).map(({ slug }) => slug);
  const checks: Check[] = [];
  if (weak.length > 0)
    checks.push(
      fail(
        'roles: people',
        `can’t approve: ${weak.join(', ')}`,
        'approving needs write permission: give it, or name other people in the policy',
      ),
    );
  if (teams.length > 0 && !repository.ofOrganization)
    checks.push(fail('roles: teams', 'a person’s own repository has none', 'name people in the policy'));
  else if (lost.length > 0)
    checks.push(
      fail('roles: teams', `no such team: ${lost.join(', ')}`, 'use slugs of teams of this organization'),
    );
  if (unknown.length > 0) checks.push(skip('roles', [...new Set(unknown)].join('\n')));
  checks.push(...checkReach(policy));
  if (checks.length > 0) return checks;
  return [ok('roles', `${people.length} people and ${teams.length} teams exist and may approve`)];
}

/** A rule that asks for more people than hold its roles can never be met. */
function checkReach(policy: Policy): Check[] {
  const { roles } = policy;
  return ACTIONS.flatMap((action) => {
    const needed = requirementOf(policy, action);
    if (needed.kind === 'permission') return [];
    const { required, roles: asked } = needed.rule;
    const held = asked.map((role) => roles[role]);
    if (held.some((role) => role !== undefined && role.teams.length > 0)) return [];
    const people = new Set(held.flatMap((role) => role?.people ?? []).map((login) => login.toLowerCase()));
    if (people.size >= required) return [];
    return [
      fail(
        `approvals ${action}`,
        `asks for ${required} of ${asked.join(', ')}, whom ${people.size} people are`,
        'name more people, or ask for fewer',
      ),
    ];
  });
}
