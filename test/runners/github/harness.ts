import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { App, Octokit } from 'octokit';
import { ensureSecrets } from '../../../runners/local/github/secrets.ts';
import type { SeedSpec } from '../../../runners/local/github/seed.ts';
import { type GitHubOptions, startGitHub } from '../../../runners/local/github/server.ts';
import type { ClaimedRun, LocalSecrets, RunUpdate } from '../../../runners/local/protocol.ts';

/** owner, repo: the one repository of these tests. */
export const R = { owner: 'acme', repo: 'bikes' } as const;
export const LATEST = '2026-03-10';

export type Hook = {
  url: string;
  events: { name: string; action: string | undefined; headers: Record<string, string>; body: string }[];
  /** Status with which the next deliveries are answered. */
  status: number;
  close(): Promise<void>;
};

/** A webhook receiver that keeps what it is sent, raw. */
export async function startHook(): Promise<Hook> {
  const hook: Hook = { url: '', events: [], status: 200, close: async () => undefined };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const { action } = JSON.parse(body) as { action?: string };
      const headers = request.headers as Record<string, string>;
      hook.events.push({ name: headers['x-github-event'] ?? '', action, headers, body });
      response.writeHead(hook.status).end('taken');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  hook.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  hook.close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return hook;
}

const PEOPLE: SeedSpec['people'] = [
  { login: 'product-owner', role: 'read' },
  { login: 'data-scientist', role: 'write' },
  { login: 'ml-lead', role: 'maintain' },
];

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export function octokitFor(url: string, token: string): Octokit {
  return new Octokit({
    auth: token,
    baseUrl: `${url}/api/v3`,
    throttle: { enabled: false },
    retry: { enabled: false },
    log: quiet,
  });
}

export type World = Awaited<ReturnType<typeof startWorld>>;

export async function startWorld(
  options: Partial<Pick<GitHubOptions, 'runnerSilentMs' | 'rateLimit' | 'queuedMs' | 'staleMs'>> = {},
) {
  const dir = mkdtempSync(join(tmpdir(), 'github-'));
  const hook = await startHook();
  const log: string[] = [];
  const seed: SeedSpec = {
    owner: R.owner,
    repository: R.repo,
    people: PEOPLE,
    app: { slug: 'roundhouse', webhookUrl: hook.url },
  };
  const github = await startGitHub({ dir, port: 0, log: (line) => log.push(line), seed, ...options });
  const secrets = await ensureSecrets(dir);
  const clients = clientsFor(github.url, secrets);
  return {
    dir,
    hook,
    log,
    github,
    secrets,
    ...clients,
    control: controlFor(github.url, secrets),
    repository: (login: string) => checkout(dir, github.url, secrets.tokens[login] ?? ''),
    /** Waits for an event, from the first one on. */
    async event(name: string, action?: string, matches: (payload: never) => boolean = () => true) {
      return eventually(
        () => {
          const found = hook.events.find(
            (one) => one.name === name && one.action === action && matches(JSON.parse(one.body) as never),
          );
          return found && (JSON.parse(found.body) as Record<string, never>);
        },
        `event ${name}.${action ?? ''} among ${hook.events.map((one) => `${one.name}.${one.action ?? ''}`).join(' ')}`,
      );
    },
    async close() {
      await github.close();
      await hook.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export function clientsFor(url: string, secrets: LocalSecrets) {
  const app = new App({
    appId: secrets.app.id,
    privateKey: secrets.app.private_key,
    Octokit: Octokit.defaults({
      baseUrl: `${url}/api/v3`,
      throttle: { enabled: false },
      retry: { enabled: false },
      log: quiet,
    }),
  });
  return {
    app,
    as: (login: string) => octokitFor(url, secrets.tokens[login] ?? ''),
    withToken: (token: string) => octokitFor(url, token),
    /** A client of the app's installation. */
    async bot(): Promise<Octokit> {
      const { data } = await app.octokit.request('GET /repos/{owner}/{repo}/installation', R);
      return (await app.getInstallationOctokit(data.id)) as unknown as Octokit;
    },
  };
}

export function controlFor(url: string, secrets: LocalSecrets) {
  const call = async (method: string, path: string, body?: unknown, type = 'application/json') => {
    const response = await fetch(`${url}/_local${path}`, {
      method,
      headers: {
        'x-roundhouse-local': secrets.control,
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined
        ? {}
        : { body: type === 'application/json' ? JSON.stringify(body) : (body as string) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
    };
  };
  return {
    call,
    async claim(): Promise<ClaimedRun | undefined> {
      const { status, body } = await call('POST', '/runner/claim', { runner: 'r1', labels: [], wait_ms: 0 });
      return status === 200 ? (body as ClaimedRun) : undefined;
    },
    update: (run: number, update: RunUpdate) => call('PATCH', `/runs/${run}`, update),
    async jobToken(run: number, permissions: Record<string, string>): Promise<string> {
      const { body } = await call('POST', `/runs/${run}/token`, { permissions });
      return (body as { token: string }).token;
    },
  };
}

export type Checkout = Awaited<ReturnType<typeof checkout>>;

let checkouts = 0;

/** A working copy with the git CLI alone. */
export async function checkout(dir: string, url: string, token: string) {
  checkouts += 1;
  const path = join(dir, `work-${checkouts}`);
  mkdirSync(path, { recursive: true });
  const remote = remoteUrl(url, token);
  const git = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)('git', ['-c', 'commit.gpgsign=false', ...args], {
      cwd: path,
      env: {
        ...process.env,
        GIT_TERMINAL_PROMPT: '0',
        ...{ GIT_AUTHOR_NAME: 'T', GIT_AUTHOR_EMAIL: 't@example.org' },
        ...{ GIT_COMMITTER_NAME: 'T', GIT_COMMITTER_EMAIL: 't@example.org' },
      },
    });
    return stdout.trim();
  };
  await git('init', '--quiet', '--initial-branch=main');
  return {
    path,
    git,
    remote,
    /** Write files (null removes one), commit, answer the SHA. */
    async commit(message: string, files: Record<string, string | null>): Promise<string> {
      for (const [name, text] of Object.entries(files)) {
        if (text === null) {
          rmSync(join(path, name));
          continue;
        }
        mkdirSync(dirname(join(path, name)), { recursive: true });
        writeFileSync(join(path, name), text);
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '-m', message);
      return git('rev-parse', 'HEAD');
    },
    push: (...refs: string[]) => git('push', '--quiet', remote, ...refs),
    fetch: (...refs: string[]) => git('fetch', '--quiet', remote, ...refs),
  };
}

function remoteUrl(url: string, token: string): string {
  return `${url.replace('http://', `http://x-access-token:${token}@`)}/${R.owner}/${R.repo}.git`;
}

/** The refusal of a call that must be refused. */
export async function refusal(call: Promise<unknown>) {
  const error = (await call.then(
    () => {
      throw new Error('The call was not refused');
    },
    (fault: unknown) => fault,
  )) as {
    status?: number;
    message: string;
    response?: { headers: Record<string, string>; data: { message: string } };
  };
  if (error.status === undefined) throw error;
  return { status: error.status, message: error.message, headers: error.response?.headers ?? {} };
}

export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
): Promise<T> {
  for (const until = Date.now() + 5000; Date.now() < until; ) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Waited 5 s for ${what}`);
}

export const WORKFLOW = `name: Train
run-name: roundhouse \${{ inputs.request_id }}
on:
  workflow_dispatch:
    inputs:
      request_id: { required: true, type: string }
      size: { type: choice, options: [small, large], default: small }
jobs:
  train:
    runs-on: self-hosted
    steps: [{ run: 'true' }]
`;

/** People without any access to the repository, who sign in with tokens of their own. */
export async function addOutsiders(world: World, ...logins: string[]) {
  const people = logins.map((login) => ({ login, role: 'none' }));
  await world.control.call('POST', '/seed', { owner: R.owner, repository: R.repo, people });
  const { tokens } = await ensureSecrets(world.dir);
  return (login: string) => octokitFor(world.github.url, tokens[login] ?? '');
}
