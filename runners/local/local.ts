import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './build.ts';
import { answers, type Member, member } from './fleet.ts';
import { ensureSecrets } from './github/secrets.ts';
import type { SeedSpec } from './github/seed.ts';
import type { LocalSecrets } from './protocol.ts';

export const LOCAL_LABELS = ['self-hosted', 'roundhouse-untrusted', 'roundhouse-trusted'];

export type LocalOptions = {
  dir: string;
  /** Port of the local GitHub; 0 = any. */
  port: number;
  owner: string;
  repository: string;
  people: SeedSpec['people'];
  /** Told about a member that ended without having been asked to. */
  onExit?(name: string, how: string): void;
};

/** The local GitHub, app, job runner and supervisor: four processes, each restartable alone. */
export type Local = {
  url: string;
  apiUrl: string;
  dir: string;
  secrets: LocalSecrets;
  members: { github: Member; app: Member; jobRunner: Member; supervisor: Member };
  /** Address of the supervisor's control interface. */
  supervisorUrl: string;
  appUrl: string;
  /** Sets the local GitHub's clock; schedule events passed over fire. */
  setClock(now: Date): Promise<{ fired: number }>;
  control<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  stop(): Promise<void>;
};

export async function startLocal({
  dir,
  port,
  owner,
  repository,
  people,
  onExit,
}: LocalOptions): Promise<Local> {
  await ensureBuilt();
  mkdirSync(dir, { recursive: true });
  const secrets = await ensureSecrets(dir, { logins: people.map(({ login }) => login), slug: 'roundhouse' });
  const ports = {
    github: port === 0 ? await freePort() : port,
    app: await freePort(),
    supervisor: await freePort(),
  };
  const url = `http://127.0.0.1:${ports.github}`;
  const appUrl = `http://127.0.0.1:${ports.app}`;
  const supervisorUrl = `http://127.0.0.1:${ports.supervisor}`;
  const apiUrl = `${url}/api/v3`;
  const variables = {
    ROUNDHOUSE_STORE_MAIN: pathToFileURL(join(dir, 'store')).href,
    ROUNDHOUSE_LOGS_MAIN: pathToFileURL(join(dir, 'predictions')).href,
  };
  const common = { dir, ...(onExit === undefined ? {} : { onExit }) };
  const base = cleanEnvironment();

  const github = member({
    ...common,
    name: 'github',
    entry: 'github',
    args: ['--dir', dir, '--port', String(ports.github)],
    env: base,
    ready: () => answers(`${url}/api/v3/meta`),
  });
  const app = member({
    ...common,
    name: 'app',
    entry: 'app',
    args: ['--port', String(ports.app)],
    env: {
      ...base,
      ...variables,
      APP_ID: String(secrets.app.id),
      PRIVATE_KEY: secrets.app.private_key,
      WEBHOOK_SECRET: secrets.app.webhook_secret,
      GITHUB_API_URL: apiUrl,
      ROUNDHOUSE_DIR: join(dir, 'app'),
    },
    ready: () => answers(`${appUrl}/health`),
  });
  const jobRunner = member({
    ...common,
    name: 'job-runner',
    entry: 'job-runner',
    args: ['--dir', dir, '--url', url, ...LOCAL_LABELS.flatMap((label) => ['--label', label])],
    env: base,
    ready: async () => jobRunner.running(),
  });
  const supervisor = member({
    ...common,
    name: 'supervisor',
    entry: 'supervisor',
    args: ['--dir', join(dir, 'supervisor'), '--port', String(ports.supervisor)],
    env: { ...base, ...variables, ROUNDHOUSE_SUPERVISOR_TOKEN: secrets.supervisor },
    ready: () => answers(`${supervisorUrl}/v1/environments`),
  });

  async function control<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${url}/_local/${path}`, {
      method,
      headers: { 'x-roundhouse-local': secrets.control, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok)
      throw new Error(`${method} /_local/${path}: ${response.status} ${await response.text()}`);
    return (response.status === 204 ? undefined : await response.json()) as Answer;
  }

  await github.start();
  const spec: SeedSpec = {
    owner,
    repository,
    people,
    app: { slug: 'roundhouse', webhookUrl: `${appUrl}/api/github/webhooks` },
  };
  await control('POST', 'seed', spec);
  await control('PATCH', `repos/${owner}/${repository}`, {
    vars: variables,
    secrets: { ROUNDHOUSE_SUPERVISOR_TOKEN: secrets.supervisor },
  });
  await Promise.all([supervisor.start(), jobRunner.start(), app.start()]);

  return {
    url,
    apiUrl,
    dir,
    secrets,
    supervisorUrl,
    appUrl,
    members: { github, app, jobRunner, supervisor },
    setClock: (now) => control('POST', 'clock', { now: now.toISOString() }),
    control,
    async stop() {
      await app.stop();
      await jobRunner.stop();
      await supervisor.stop();
      await github.stop();
    },
  };
}

/** What a child needs of our environment, and nothing that could change what it does. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TZ', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS'];
  return Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('the machine gave no port');
  return address.port;
}
