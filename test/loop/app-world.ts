import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Octokit } from 'octokit';
import { digestOf } from '#lib/formats/digest.ts';
import { openStore } from '#lib/store/open.ts';
import { createLog } from '../../app/log.ts';
import { type RunningApp, startApp } from '../../app/server.ts';
import { modelFiles, problemIssue, pushFirstCommit } from '../../runners/local/demo/repository.ts';
import { ensureSecrets } from '../../runners/local/github/secrets.ts';
import type { SeedSpec } from '../../runners/local/github/seed.ts';
import { startGitHub } from '../../runners/local/github/server.ts';
import { startFakeJobs } from './fake-jobs.ts';

export const R = { owner: 'acme', repo: 'bikes' } as const;
export const BOT = 'roundhouse[bot]';
const PEOPLE: SeedSpec['people'] = [
  { login: 'product-owner', role: 'write' },
  { login: 'data-scientist', role: 'write' },
  { login: 'ml-lead', role: 'maintain' },
  { login: 'triager', role: 'triage' },
  { login: 'visitor', role: 'read' },
];

export type World = Awaited<ReturnType<typeof startWorld>>;

/**
 * The local GitHub with the app beside it and the fake jobs; people act through octokit. It begins with the
 * first commit of a repository, or as the copy of the folder of a world that was closed.
 */
export async function startWorld({ from = null as string | null, webhookPort = null as number | null } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'loop-'));
  if (from !== null) cpSync(from, dir, { recursive: true });
  // Below the ports that the system gives to connections.
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  const seed: SeedSpec = {
    owner: R.owner,
    repository: R.repo,
    people: PEOPLE,
    app: { slug: 'roundhouse', webhookUrl: `http://127.0.0.1:${webhookPort ?? port}/api/github/webhooks` },
  };
  const github = await startGitHub({ dir, port: 0, log: () => {}, seed });
  const secrets = await ensureSecrets(dir);
  const store = openStore(`file://${join(dir, 'store')}`);
  const log: string[] = [];
  const env = {
    APP_ID: String(secrets.app.id),
    PRIVATE_KEY: secrets.app.private_key,
    WEBHOOK_SECRET: secrets.app.webhook_secret,
    GITHUB_API_URL: `${github.url}/api/v3`,
    ROUNDHOUSE_DIR: join(dir, 'app'),
    ROUNDHOUSE_STORE_MAIN: `file://${join(dir, 'store')}`,
  };
  const jobs = startFakeJobs({ url: github.url, control: secrets.control, store });
  let app: RunningApp | null = null;
  const world = {
    dir,
    port,
    github,
    secrets,
    store,
    jobs,
    log,
    env,
    as: (login: string) => octokit(github.url, secrets.tokens[login] ?? ''),
    async startApp() {
      app = await startApp({ port, env, log: createLog((line) => log.push(line)) });
    },
    async stopApp() {
      await app?.close();
      app = null;
    },
    async control(path: string, body: unknown, method = 'POST') {
      const headers = { 'x-roundhouse-local': secrets.control, 'content-type': 'application/json' };
      const answer = await fetch(`${github.url}/_local${path}`, {
        method,
        headers,
        body: JSON.stringify(body),
      });
      return (answer.status === 204 ? {} : answer.json()) as Promise<Record<string, unknown>>;
    },
    /** Ends everything; the folder stays where `keep` says so. */
    async close({ keep = false } = {}) {
      await world.stopApp();
      await jobs.stop();
      await github.close();
      if (!keep) rmSync(dir, { recursive: true, force: true });
    },
  };
  if (from !== null) return world;
  await pushFirstCommit({
    url: github.url,
    owner: R.owner,
    repository: R.repo,
    login: 'ml-lead',
    token: secrets.tokens['ml-lead'] ?? '',
    supervisor: 'http://127.0.0.1:1/',
  });
  return world;
}

function octokit(url: string, token: string): Octokit {
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  return new Octokit({
    auth: token,
    baseUrl: `${url}/api/v3`,
    throttle: { enabled: false },
    retry: { enabled: false },
    log: quiet,
  });
}

/** A world with the app in it, and a model that is defined and not yet trained. */
export async function startDefined(): Promise<World> {
  const world = await startWorld();
  await world.startApp();
  await defineBikes(world);
  return world;
}

/** The first version is in production. */
export async function startServing(): Promise<World> {
  const world = await startDefined();
  await firstModel(world);
  await tagged(world, 'bikes#champion#2');
  return world;
}

export async function eventually<Found>(
  what: string | (() => string),
  look: () => Promise<Found | undefined | null | false>,
  { log, limitMs = 60_000 }: { log?: string[]; limitMs?: number } = {},
): Promise<Found> {
  const began = Date.now();
  for (let waited = 0; waited < limitMs; waited = Date.now() - began) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    // A long wait looks more seldom: who looks 20 times a second has used up the requests of an hour in 12 minutes.
    const pause = Math.min(1000, Math.max(50, waited / 20));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  throw new Error(
    `waited in vain for ${typeof what === 'string' ? what : what()}\n${(log ?? []).slice(-15).join('')}`,
  );
}

export async function openProblem(world: World): Promise<number> {
  const issue = { ...R, ...problemIssue(), labels: ['ml-problem'] };
  return (await world.as('product-owner').rest.issues.create(issue)).data.number;
}

export async function commentsOf(world: World, number: number) {
  const { data } = await world
    .as('ml-lead')
    .rest.issues.listComments({ ...R, issue_number: number, per_page: 100 });
  return data.map(({ id, body, user }) => ({ id, body: body ?? '', author: user?.login ?? '' }));
}

/** The newest line that the app asks to paste. */
export async function approveLine(world: World, number: number): Promise<string> {
  return eventually(
    `an approve line on #${number}`,
    async () => {
      const mine = (await commentsOf(world, number)).filter(({ author }) => author === BOT);
      return mine
        .toReversed()
        .map(({ body }) => /^\/approve [0-9a-f]{16,}$/m.exec(body)?.[0])
        .find(Boolean);
    },
    world,
  );
}

export async function say(world: World, login: string, number: number, body: string): Promise<number> {
  const { data } = await world.as(login).rest.issues.createComment({ ...R, issue_number: number, body });
  return data.id;
}

export async function gateOf(world: World, number: number, conclusion: string) {
  let seen = 'no gate';
  return eventually(
    () => `the gate of #${number} to be ${conclusion}: it is ${seen}`,
    async () => {
      const { data: pull } = await world.as('ml-lead').rest.pulls.get({ ...R, pull_number: number });
      const { data } = await world.as('ml-lead').rest.checks.listForRef({ ...R, ref: pull.head.sha });
      const gate = data.check_runs.find(({ name }) => name === 'roundhouse/gate');
      seen = `${gate?.conclusion ?? gate?.status}, ${gate?.output.title}`;
      return gate?.status === 'completed' && gate.conclusion === conclusion
        ? { title: gate.output.title ?? '', head: pull.head.sha, checks: data.check_runs }
        : null;
    },
    world,
  );
}

export async function merge(world: World, login: string, number: number): Promise<string> {
  const { head } = await gateOf(world, number, 'success');
  const { data } = await world.as(login).rest.pulls.merge({ ...R, pull_number: number, sha: head });
  return data.sha;
}

/** Makes a commit that nothing points at yet: its parent with these files; null removes a path. */
export async function commitFiles(
  git: Octokit['rest']['git'],
  {
    repository = R,
    parent,
    files,
    message,
  }: {
    repository?: { owner: string; repo: string };
    parent: string;
    files: Record<string, string | null>;
    message: string;
  },
): Promise<string> {
  const { data: base } = await git.getCommit({ ...repository, commit_sha: parent });
  const tree = await git.createTree({
    ...repository,
    base_tree: base.tree.sha,
    tree: Object.entries(files).map(([path, content]) => {
      const entry = { path, mode: '100644', type: 'blob' } as const;
      return content === null ? { ...entry, sha: null } : { ...entry, content };
    }),
  });
  const commit = { message, tree: tree.data.sha, parents: [parent] };
  return (await git.createCommit({ ...repository, ...commit })).data.sha;
}

/** A branch with these files, and its pull request. */
export async function openPull(
  world: World,
  login: string,
  { branch, files }: { branch: string; files: Record<string, string> },
): Promise<number> {
  const { rest } = world.as(login);
  const { data: main } = await rest.git.getRef({ ...R, ref: 'heads/main' });
  const parent = main.object.sha;
  const sha = await commitFiles(rest.git, { parent, files, message: branch });
  await rest.git.createRef({ ...R, ref: `refs/heads/${branch}`, sha });
  const pull = await rest.pulls.create({ ...R, title: branch, head: branch, base: 'main', body: '' });
  return pull.data.number;
}

/** Changes a file on the default branch by a push of a person's. */
export async function pushToMain(
  world: World,
  path: string,
  change: (text: string) => string,
): Promise<void> {
  const { git } = world.as('ml-lead').rest;
  const content = change(await contentOf(world, path));
  const { data: main } = await git.getRef({ ...R, ref: 'heads/main' });
  const parent = main.object.sha;
  const sha = await commitFiles(git, { parent, files: { [path]: content }, message: `Change ${path}` });
  await git.updateRef({ ...R, ref: 'heads/main', sha });
}

/** The files of the first model; another seed makes another candidate. */
export function bikesFiles({ seed = 1 } = {}): Record<string, string> {
  const files = modelFiles('bikes', { history: digestOf('history') });
  const path = 'models/bikes/model.yml';
  return { ...files, [path]: (files[path] ?? '').replace('seed: 1', `seed: ${seed}`) };
}

export async function contentOf(world: World, path: string, at: { ref?: string } = {}): Promise<string> {
  const { data } = await world.as('ml-lead').rest.repos.getContent({ ...R, path, ...at });
  return Buffer.from('content' in data ? data.content : '', 'base64').toString();
}

export async function tagNames(world: World, prefix: string): Promise<string[]> {
  const { data } = await world.as('ml-lead').rest.git.listMatchingRefs({ ...R, ref: `tags/${prefix}` });
  return data.map(({ ref }) => ref.slice('refs/tags/'.length));
}

/** Waits for a tag: `bikes#champion#2` says that the first version serves and is what candidates are held against. */
export async function tagged(world: World, name: string): Promise<void> {
  await eventually(name, async () => (await tagNames(world, name)).includes(name), world);
}

/** The first comment there that holds this text. */
export async function commentSaying(world: World, number: number, text: string) {
  const find = async () => (await commentsOf(world, number)).find(({ body }) => body.includes(text));
  return eventually(text, find, world);
}

/** The app's answer to one comment. */
export async function replyTo(world: World, comment: number, number: number): Promise<string> {
  const marker = `<!-- roundhouse:reply ${comment} -->`;
  const find = async () => (await commentsOf(world, number)).find(({ body }) => body.startsWith(marker));
  return (await eventually(`a reply to ${comment}`, find, world)).body;
}

/** Problem, approval, definition, merge. */
export async function defineBikes(world: World): Promise<{ issue: number; pull: number }> {
  const issue = await openProblem(world);
  await say(world, 'ml-lead', issue, await approveLine(world, issue));
  const pull = await eventually(
    'the definition pull request',
    async () => {
      const { data } = await world.as('ml-lead').rest.pulls.list({ ...R, state: 'open' });
      return data.find(({ head }) => head.ref === 'roundhouse-define-bikes')?.number;
    },
    world,
  );
  await merge(world, 'product-owner', pull);
  // Whatever comes next has the same number in every play.
  await eventually('the dashboard', () => dashboardOf(world, 'bikes'), world);
  return { issue, pull };
}

/** The empty box on the dashboard that asks for retraining. */
export const RETRAIN_BOX = /^- \[ \] (.* <!-- roundhouse:box retrain bikes [0-9a-f]{16} -->)$/m;

/** The number of a model's dashboard issue, once there is one. */
async function dashboardOf(world: World, model: string): Promise<number | undefined> {
  const { data } = await world.as('ml-lead').rest.issues.listForRepo({ ...R, labels: 'ml-dashboard' });
  return data.find(({ title }) => title === `Model dashboard: ${model}`)?.number;
}

/** Open issues of the app about what went wrong: neither dashboards nor what tracks a problem. */
export async function issuesOfApp(world: World) {
  const { data } = await world.as('ml-lead').rest.issues.listForRepo({ ...R, creator: BOT });
  return data.filter(({ pull_request, labels }) => !pull_request && labels.length === 0);
}

/** Data and model pull request, evidence, approval, merge. */
export async function firstModel(world: World): Promise<{ pull: number; merged: string }> {
  const pull = await openPull(world, 'data-scientist', { branch: 'first-model', files: bikesFiles() });
  await gateOf(world, pull, 'action_required');
  await say(world, 'ml-lead', pull, await approveLine(world, pull));
  return { pull, merged: await merge(world, 'ml-lead', pull) };
}
