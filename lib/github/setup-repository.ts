import type { Octokit } from 'octokit';
import { readConfig } from '../formats/config.ts';
import { parseYaml } from '../formats/yaml-text.ts';
import type { Read } from '../lifecycle/doctor.ts';
import type { WorkflowFact } from '../lifecycle/doctor-machine.ts';
import type { RepositoryFacts } from '../lifecycle/doctor-repository.ts';
import type { Policy } from '../lifecycle/policy.ts';
import { people } from './permissions.ts';
import { orNull, type Repository } from './repository.ts';
import { type Asker, readAs } from './setup-read.ts';
import { readRules } from './setup-rules.ts';

type Place = { owner: string; repo: string };
export type SetupOf = Place & {
  askers: readonly Asker[];
  appId: number | null;
  /** How generated workflow files differ from what this package writes, given their texts. */
  compareWorkflows: (read: (path: string) => string | null) => WorkflowFact[];
  workflowPaths: readonly string[];
};

const POLICY_FILE = '.github/roundhouse.yml';
const FORMS = '.github/ISSUE_TEMPLATE';

/** What the repository's settings and files say, as far as those who ask may know it. Null: nobody can see it. */
export async function readRepository(setup: SetupOf): Promise<Read<RepositoryFacts>> {
  const { askers, appId, owner, repo } = setup;
  const place = { owner, repo };
  const found = await readAs(
    askers,
    async (octokit) => (await octokit.request('GET /repos/{owner}/{repo}', place)).data,
  );
  if ('unread' in found) return found;
  const { value: data } = found;
  const defaultBranch = data.default_branch;
  const policy = await readPolicy(askers, place);
  const parsed = 'value' in policy && 'value' in policy.value ? policy.value.value : null;
  const facts: RepositoryFacts = {
    repository: {
      isPrivate: data.private,
      archived: data.archived,
      defaultBranch,
      ofOrganization: data.owner.type === 'Organization',
    },
    rules: await readRules(askers, { ...place, defaultBranch, appId }),
    actions: await readAs(askers, (octokit) => readActions(octokit, place)),
    jobToken: await readAs(askers, (octokit) => readJobToken(octokit, place)),
    runners: await readRunners(askers, place),
    environments: await readAs(askers, (octokit) => readEnvironments(octokit, place)),
    workflows: await readAs(askers, (octokit) => readWorkflows(octokit, setup)),
    policy,
    labels: await readAs(askers, (octokit) => readLabels(octokit, place)),
    ...(await readRoles(askers, place, parsed)),
    runs: await readAs(askers, (octokit) => readRuns(octokit, setup)),
  };
  return { value: facts };
}

async function textAt(octokit: Octokit, place: Place, path: string): Promise<string | null> {
  const answer = await orNull(
    octokit.request('GET /repos/{owner}/{repo}/contents/{path}', { ...place, path }),
  );
  if (answer === null || Array.isArray(answer.data) || answer.data.type !== 'file') return null;
  return Buffer.from((answer.data as { content: string }).content, 'base64').toString();
}

async function readPolicy(askers: readonly Asker[], place: Place): Promise<RepositoryFacts['policy']> {
  return readAs(askers, async (octokit) => {
    const text = await textAt(octokit, place, POLICY_FILE);
    if (text === null) return { faults: [`${POLICY_FILE} is not on the default branch`] };
    const read = readConfig('policy', { file: POLICY_FILE, text });
    return read.ok ? { value: read.value } : { faults: read.faults };
  });
}

async function readActions(octokit: Octokit, place: Place) {
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/actions/permissions', place);
  const allowed = data.allowed_actions ?? 'all';
  if (allowed !== 'selected') return { enabled: data.enabled, allowed, patterns: null, githubOwned: true };
  const selected = await orNull(
    octokit.request('GET /repos/{owner}/{repo}/actions/permissions/selected-actions', place),
  );
  const { patterns_allowed = null, github_owned_allowed = false } = selected?.data ?? {};
  return { enabled: data.enabled, allowed, patterns: patterns_allowed, githubOwned: github_owned_allowed };
}

async function readJobToken(octokit: Octokit, place: Place) {
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/actions/permissions/workflow', place);
  return {
    writes: data.default_workflow_permissions === 'write',
    mayApprove: data.can_approve_pull_request_reviews,
  };
}

/** Those of the organization are listed apart, to its owners. */
async function readRunners(askers: readonly Asker[], place: Place): Promise<RepositoryFacts['runners']> {
  const own = await readAs(askers, (octokit) =>
    octokit.paginate('GET /repos/{owner}/{repo}/actions/runners', { ...place, per_page: 100 }),
  );
  if ('unread' in own) return own;
  const shared = await readAs(askers, (octokit) =>
    octokit.paginate('GET /orgs/{org}/actions/runners', { org: place.owner, per_page: 100 }),
  );
  const all = [...own.value, ...('value' in shared ? shared.value : [])];
  const runners = all.map(({ name, status, labels, ephemeral }) => ({
    name,
    online: status === 'online',
    labels: labels.map((label) => label.name),
    ephemeral: ephemeral === true,
  }));
  return { value: { runners, organizationRead: 'value' in shared } };
}

async function readEnvironments(octokit: Octokit, place: Place) {
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/environments', {
    ...place,
    per_page: 100,
  });
  return (data.environments ?? []).map(
    ({ name, protection_rules: rules = [], deployment_branch_policy: branches }) => {
      const of = (type: string) =>
        rules.find((rule) => rule.type === type) as Record<string, unknown> | undefined;
      return {
        name,
        reviewers: ((of('required_reviewers')?.reviewers as unknown[] | undefined) ?? []).length,
        waitMinutes: Number(of('wait_timer')?.wait_timer ?? 0),
        branches: branches ? (branches.protected_branches ? 'protected' : 'custom') : null,
      };
    },
  );
}

async function readWorkflows(octokit: Octokit, setup: SetupOf) {
  const texts = new Map<string, string | null>();
  for (const path of setup.workflowPaths) texts.set(path, await textAt(octokit, setup, path));
  return setup.compareWorkflows((path) => texts.get(path) ?? null);
}

async function readLabels(octokit: Octokit, { owner, repo }: Place) {
  const place = { owner, repo };
  const listed = await orNull(
    octokit.request('GET /repos/{owner}/{repo}/contents/{path}', { ...place, path: FORMS }),
  );
  const forms = Array.isArray(listed?.data) ? listed.data.filter(({ name }) => /\.ya?ml$/.test(name)) : [];
  const names = new Set<string>();
  for (const { path } of forms) {
    const { value } = parseYaml((await textAt(octokit, place, path)) ?? '');
    const labels = (value as { labels?: unknown } | null)?.labels;
    const written = typeof labels === 'string' ? labels.split(',').map((one) => one.trim()) : labels;
    if (Array.isArray(written)) for (const name of written) names.add(String(name));
  }
  const found: { name: string; present: boolean }[] = [];
  for (const name of names) {
    const label = await orNull(
      octokit.request('GET /repos/{owner}/{repo}/labels/{name}', { ...place, name }),
    );
    found.push({ name, present: label !== null });
  }
  return found;
}

async function readRoles(
  askers: readonly Asker[],
  { owner, repo }: Place,
  policy: Policy | null,
): Promise<Pick<RepositoryFacts, 'people' | 'teams'>> {
  const roles = Object.values(policy?.roles ?? {});
  const logins = [...new Set(roles.flatMap((role) => role.people))];
  const slugs = [...new Set(roles.flatMap((role) => role.teams))];
  const found: {
    people: RepositoryFacts['people'][number][];
    teams: RepositoryFacts['teams'][number][];
  } = { people: [], teams: [] };
  for (const login of logins) {
    const permission = await readAs(askers, (octokit) =>
      people({ octokit: octokit as unknown as Repository['octokit'], owner, repo }).permission(login),
    );
    found.people.push({ login, permission });
  }
  for (const slug of slugs) {
    const exists = await readAs(
      askers,
      async (octokit) =>
        (await orNull(
          octokit.request('GET /orgs/{org}/teams/{team_slug}/members', {
            org: owner,
            team_slug: slug,
            per_page: 1,
          }),
        )) !== null,
    );
    found.teams.push({ slug, exists });
  }
  return found;
}

async function readRuns(octokit: Octokit, { owner, repo, workflowPaths }: SetupOf) {
  const place = { owner, repo };
  const found: { workflow: string; conclusion: string | null; jobs: number; url: string }[] = [];
  for (const path of workflowPaths) {
    const workflow = path.split('/').at(-1) ?? path;
    const runs = await orNull(
      octokit.request('GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs', {
        ...{ ...place, workflow_id: workflow, per_page: 1 },
      }),
    );
    const [run] = runs?.data.workflow_runs ?? [];
    if (run === undefined) continue;
    const jobs = await octokit.request('GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs', {
      ...{ ...place, run_id: Number(run.id), per_page: 1 },
    });
    found.push({ workflow, conclusion: run.conclusion, jobs: jobs.data.total_count, url: run.html_url });
  }
  return found;
}
