import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkGitHub, readGitHub, setupAccess } from '../../actions/doctor/github-facts.ts';
import { GATE, wantedRulesets } from '../../lib/lifecycle/app-needs.ts';
import { type Check, worstFirst } from '../../lib/lifecycle/doctor.ts';
import { pushFirstCommit } from '../../runners/local/demo/repository.ts';
import { R, startWorld, type World } from '../runners/github/harness.ts';
import { adminOf, ruleset } from '../runners/github/platform/admin.ts';

/** Need 3: what a real installation needs, each thing broken once in the local GitHub. */
let world: World;
let admin: Awaited<ReturnType<typeof adminOf>>;
let adminToken: string;
let env: Record<string, string>;
const SETTINGS = `/repos/${R.owner}/${R.repo}`;

beforeAll(async () => {
  world = await startWorld();
  admin = await adminOf(world);
  adminToken = ((await admin.auth()) as { token: string }).token;
  const { app, tokens } = world.secrets;
  await role('product-owner', 'write');
  const to = { owner: R.owner, repository: R.repo, login: 'ml-lead', token: tokens['ml-lead'] ?? '' };
  await pushFirstCommit({ ...to, url: world.github.url, supervisor: 'http://127.0.0.1:1/' });
  env = {
    APP_ID: String(app.id),
    PRIVATE_KEY: app.private_key,
    GITHUB_TOKEN: adminToken,
    GITHUB_API_URL: `${world.github.url}/api/v3`,
  };
  const bot = await world.bot();
  const { data } = await bot.rest.git.getRef({ ...R, ref: 'heads/main' });
  await bot.rest.checks.create({ ...R, name: GATE, head_sha: data.object.sha, conclusion: 'success' });
  for (const name of ['ml-problem', 'prediction-feedback'])
    await admin.rest.issues.createLabel({ ...R, name });
  for (const one of wantedRulesets(app.id)) {
    const { include } = one.conditions.ref_name;
    await ruleset(admin, { ...one, include });
  }
  for (const trust of ['untrusted', 'trusted'])
    await world.control.call('POST', '/runner/claim', {
      ...{ runner: `box-${trust}`, labels: ['self-hosted', `roundhouse-${trust}`], wait_ms: 0 },
    });
});
afterAll(() => world.close());

async function role(login: string, level: string) {
  const { app } = world.secrets;
  await world.control.call('POST', '/seed', {
    ...{ owner: R.owner, repository: R.repo, people: [{ login, role: level }] },
    app: { slug: app.slug, webhookUrl: world.hook.url },
  });
}

async function look(changed: Record<string, string | undefined> = {}): Promise<Check[]> {
  const access = setupAccess({
    workspace: '/',
    env: { ...env, ...changed },
    repository: `${R.owner}/${R.repo}`,
  });
  return worstFirst(checkGitHub(await readGitHub(access)));
}

function complaints(checks: Check[]): string[] {
  return checks.filter(({ status }) => status !== 'ok').map(({ status, check }) => `${status} ${check}`);
}

/** What is said of a repository in which all is as the docs ask, before its first run. */
const CALM = ['skip execution protections'];

test('a repository that has all it needs', async () => {
  // The receiver of this world has no path of ours.
  expect(complaints(await look())).toEqual(['warn webhook', ...CALM]);
});

const edit = async (path: string, change: (text: string) => string | null) => {
  const { data } = await admin.rest.repos.getContent({ ...R, path });
  const { sha, content } = data as { sha: string; content: string };
  const before = Buffer.from(content, 'base64').toString();
  const after = change(before);
  const at = { ...R, path, message: 'edit' };
  const bypass = await withoutGate();
  if (after === null) await admin.rest.repos.deleteFile({ ...at, sha });
  else
    await admin.rest.repos.createOrUpdateFileContents({
      ...at,
      sha,
      content: Buffer.from(after).toString('base64'),
    });
  await bypass();
  return async () => {
    const again = await withoutGate();
    const now = await admin.rest.repos.getContent({ ...R, path }).catch(() => null);
    const old = now === null ? {} : { sha: (now.data as { sha: string }).sha };
    await admin.rest.repos.createOrUpdateFileContents({ ...at, ...old, content });
    await again();
  };
};

/** Files are edited on the default branch by tests alone. */
async function withoutGate() {
  const { data } = await admin.request('GET /repos/{owner}/{repo}/rulesets', R);
  const gate = data.find(({ name }) => name.endsWith('gate'));
  if (!gate) return async () => {};
  return changeRuleset('gate', { enforcement: 'disabled' });
}

async function changeRuleset(name: string, change: Record<string, unknown>) {
  const { data: all } = await admin.request('GET /repos/{owner}/{repo}/rulesets', R);
  const ruleset_id = all.find((one) => one.name.endsWith(name))?.id ?? 0;
  const at = { ...R, ruleset_id };
  const { data: before } = await admin.request('GET /repos/{owner}/{repo}/rulesets/{ruleset_id}', at);
  const put = (body: object) =>
    admin.request('PUT /repos/{owner}/{repo}/rulesets/{ruleset_id}', { ...at, ...body });
  await put(change);
  const { enforcement, rules, bypass_actors } = before;
  return () => put({ enforcement, rules, bypass_actors } as object);
}

const setting = (name: string, value: unknown, back: unknown) => async () => {
  await world.control.call('PATCH', SETTINGS, { [name]: value });
  return () => world.control.call('PATCH', SETTINGS, { [name]: back });
};

const grants = (change: (granted: Record<string, string>) => object) => async () => {
  const { data } = await world.app.octokit.request('GET /app');
  const { data: installation } = await world.app.octokit.request('GET /repos/{owner}/{repo}/installation', R);
  const set = async (body: object) => {
    await world.control.call('PATCH', `/apps/${world.secrets.app.slug}`, body);
    return world.control.call('POST', `/installations/${installation.id}/accept`);
  };
  const permissions = data?.permissions as Record<string, string>;
  await set(change(permissions));
  return () => set({ permissions, events: data?.events });
};

const POLICY = '.github/roundhouse.yml';
const everyone = { actor_id: 4, actor_type: 'RepositoryRole', bypass_mode: 'always' };

test.each<[string, string, () => Promise<() => Promise<unknown>>]>([
  [
    'a permission that is not granted',
    'fail app permissions',
    grants(({ checks: _, ...rest }) => ({ permissions: rest })),
  ],
  [
    'a permission too many',
    'warn app permissions beyond need',
    grants((all) => ({ permissions: { ...all, workflows: 'write' } })),
  ],
  ['an event that is not subscribed to', 'fail app events', grants(() => ({ events: ['push'] }))],
  ['no ruleset for the gate', 'fail ruleset gate', () => changeRuleset('gate', { enforcement: 'disabled' })],
  [
    'tags that anybody may delete',
    'fail ruleset registry tags',
    () => changeRuleset('registry tags', { rules: [{ type: 'creation' }, { type: 'update' }] }),
  ],
  [
    'a state branch that others may write',
    'warn ruleset branch roundhouse',
    () =>
      changeRuleset('records', {
        bypass_actors: [{ actor_id: world.secrets.app.id, actor_type: 'Integration' }, everyone],
      }),
  ],
  [
    'a state branch that the app may not write',
    'fail ruleset branch roundhouse',
    () => changeRuleset('records', { bypass_actors: [] }),
  ],
  [
    'a rule on all branches',
    'fail rules on the app’s branches',
    () => ruleset(admin, { name: 'people', include: ['refs/heads/**'], rules: [{ type: 'pull_request' }] }),
  ],
  [
    'reviews that a push dismisses',
    'warn native reviews',
    () =>
      ruleset(admin, {
        name: 'reviews',
        rules: [
          {
            type: 'pull_request',
            parameters: { required_approving_review_count: 1, dismiss_stale_reviews_on_push: true },
          },
        ],
      }),
  ],
  ['a job token that writes', 'warn token of jobs', setting('default_permissions', 'write', 'read')],
  [
    'a public repository with lasting runners',
    'fail runners of a public repository',
    setting('private', false, true),
  ],
  [
    'a label that a form names',
    'fail labels of issue forms',
    async () => {
      await admin.rest.issues.deleteLabel({ ...R, name: 'ml-problem' });
      return () => admin.rest.issues.createLabel({ ...R, name: 'ml-problem' });
    },
  ],
  [
    'a person who may not write',
    'fail roles: people',
    async () => {
      await role('product-owner', 'read');
      return () => role('product-owner', 'write');
    },
  ],
  [
    'a team that is not there',
    'fail roles: teams',
    () =>
      edit(POLICY, (text) => text.replace('{ people: [ml-lead] }', '{ people: [ml-lead], teams: [nobody] }')),
  ],
  [
    'a policy with a fault',
    'fail policy',
    () => edit(POLICY, (text) => text.replace('version: 1', 'version: 9')),
  ],
  [
    'a workflow that is not there',
    'fail workflow files',
    () => edit('.github/workflows/roundhouse-evaluate.yml', () => null),
  ],
  [
    'a workflow that was edited',
    'warn workflow templates',
    () =>
      edit('.github/workflows/roundhouse.yml', (text) =>
        text.replace('timeout-minutes: 60', 'timeout-minutes: 90'),
      ),
  ],
  [
    'an app that is suspended',
    'fail app installation',
    async () => {
      const { data } = await world.app.octokit.request('GET /repos/{owner}/{repo}/installation', R);
      const at = { installation_id: data.id };
      await world.app.octokit.request('PUT /app/installations/{installation_id}/suspended', at);
      return () => world.app.octokit.request('DELETE /app/installations/{installation_id}/suspended', at);
    },
  ],
])('%s: %s', async (_, complaint, breakIt) => {
  const undo = await breakIt();
  const checks = await look();
  await undo();
  expect(complaints(checks)).toContain(complaint);
  for (const { status, fix } of checks) if (status === 'fail' || status === 'warn') expect(fix).toBeTruthy();
});

test('deliveries that fail, and a run that a policy stopped', async () => {
  world.hook.status = 500;
  await admin.rest.issues.create({ ...R, title: 'one' });
  await expect
    .poll(async () => complaints(await look()), { timeout: 20_000, interval: 200 })
    .toContain('warn webhook deliveries');
  world.hook.status = 200;
  await world.control.call('PATCH', SETTINGS, { protections: [{ events: ['push'] }] });
  const inputs = { request_id: '1', plan: 'a'.repeat(64) };
  await admin.rest.actions.createWorkflowDispatch({
    ...R,
    workflow_id: 'roundhouse.yml',
    ref: 'main',
    inputs,
  });
  expect(complaints(await look())).toContain('fail execution protections');
  await world.control.call('PATCH', SETTINGS, { protections: [] });
});

test('what the app alone may not read is skipped with the reason, never passed over', async () => {
  const checks = await look({ GITHUB_TOKEN: undefined });
  const skipped = checks.filter(({ status }) => status === 'skip');
  expect(skipped.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['actions', 'token of jobs', 'runners']),
  );
  expect(skipped.find(({ check }) => check === 'runners')?.found).toContain('administration=read');
  // GitHub tells the app that it may bypass, and not who else may.
  expect(skipped.map(({ check }) => check)).toContain('ruleset registry tags');
});

test('what a person sees without the key of the app', async () => {
  const checks = await look({ APP_ID: undefined, PRIVATE_KEY: undefined });
  const told = new Map(checks.map(({ check, status }) => [check, status]));
  expect(told.get('app key')).toBe('skip');
  expect(told.get('ruleset gate')).toBe('skip');
  expect(told.get('runners untrusted')).toBe('ok');
});

test('keys and repositories that GitHub does not know', async () => {
  const broken = await look({ PRIVATE_KEY: 'none' });
  expect(complaints(broken)).toContain('fail app key');
  const foreign = await look({ GITHUB_TOKEN: undefined, APP_ID: '99999' });
  expect(complaints(foreign)).toContain('fail app key');
  expect(() => setupAccess({ workspace: '/', env: {}, repository: 'a/b' })).toThrow(/no credentials/);
  const away = setupAccess({
    workspace: '/',
    env: { ...env, GITHUB_API_URL: 'http://127.0.0.1:1' },
    repository: 'a/b',
  });
  await expect(readGitHub(away)).rejects.toThrow(/does not answer/);
});
