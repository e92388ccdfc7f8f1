import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClaimedRun, JobState, Permissions, RunUpdate } from '../../../runners/local/protocol.ts';

export type FakeRun = {
  claimed: ClaimedRun;
  taken: boolean;
  cancelled: boolean;
  forced: boolean;
  /** Files of the run's own commit: called workflows. */
  files: Map<string, string>;
  status: string;
  conclusion: string | null;
  message: string;
  jobs: Map<string, JobState>;
  logs: Map<string, string>;
  artifacts: Map<string, Uint8Array>;
  tokens: Permissions[];
};

/** The `/_local/` half of the local GitHub, in memory: enough for a runner, and strict about the token. */
export type FakeGitHub = Awaited<ReturnType<typeof startFakeGitHub>>;

export const fakeToken = (run: number) =>
  `ghs_7_${String(run).padStart(4, '0')}.${'a'.repeat(40)}.${'b'.repeat(12)}`;

export async function startFakeGitHub(port = 0) {
  const control = 'control-token';
  const runs = new Map<number, FakeRun>();
  const server = createServer((request, response) => {
    answer(request, response).catch((fault) => response.writeHead(500).end(String(fault)));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', url).pathname;
    const bytes = Buffer.concat(await request.toArray());
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.headers['x-roundhouse-local'] !== control) return void json(401, { message: 'no' });
    if (path === '/_local/runner/claim') {
      const run = await waitForRun(JSON.parse(bytes.toString()).wait_ms);
      return void (run ? json(200, run.claimed) : response.writeHead(204).end());
    }
    if (path === '/_local/runner/runs') {
      const held = [...runs.values()].filter((run) => run.taken && run.status !== 'completed');
      return void json(
        200,
        held.map(({ claimed }) => claimed),
      );
    }
    const match = /^\/_local\/runs\/(\d+)(?:\/([a-z]+)(?:\/([^/]+))?(\/log)?)?$/.exec(path);
    const run = match ? runs.get(Number(match[1])) : undefined;
    if (!run || !match) return void json(404, { message: path });
    const name = decodeURIComponent(match[3] ?? '');
    switch (`${request.method} ${match[2] ?? ''}${match[3] ? '/:' : ''}${match[4] ?? ''}`) {
      case 'PATCH ':
        applyUpdate(run, JSON.parse(bytes.toString()) as RunUpdate);
        return void response.writeHead(204).end();
      case 'POST jobs/:/log':
        run.logs.set(name, (run.logs.get(name) ?? '') + bytes.toString());
        return void response.writeHead(204).end();
      case 'POST token':
        run.tokens.push(JSON.parse(bytes.toString()).permissions);
        return void json(200, { token: fakeToken(run.claimed.id) });
      case 'GET state':
        return void json(200, { cancelled: run.cancelled, force: run.forced, cancelled_jobs: [] });
      case 'GET file': {
        const text = run.files.get(new URL(request.url ?? '/', url).searchParams.get('path') ?? '');
        return void (text === undefined ? json(404, {}) : response.writeHead(200).end(text));
      }
      case 'GET artifacts':
        return void json(
          200,
          [...run.artifacts].map(([key, zip]) => ({
            name: key,
            size_in_bytes: zip.length,
            digest: `sha256:${sha256(zip)}`,
          })),
        );
      case 'GET artifacts/:': {
        const zip = run.artifacts.get(name);
        return void (zip
          ? response.writeHead(200, { 'content-type': 'application/zip' }).end(zip)
          : json(404, {}));
      }
      case 'PUT artifacts/:':
        if (run.artifacts.has(name))
          return void json(409, { message: 'an artifact with this name already exists' });
        run.artifacts.set(name, new Uint8Array(bytes));
        return void json(201, { id: run.artifacts.size, digest: `sha256:${sha256(bytes)}` });
      default:
        return void json(404, { message: `${request.method} ${path}` });
    }
  }

  async function waitForRun(waitMs: number): Promise<FakeRun | undefined> {
    const deadline = Date.now() + Math.min(waitMs, 500);
    for (;;) {
      const run = [...runs.values()].find((candidate) => !candidate.taken);
      if (run) {
        run.taken = true;
        return run;
      }
      if (Date.now() > deadline) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  return {
    url,
    control,
    runs,
    /** Queues a run of the workflow text and answers its record. */
    dispatch(text: string, overrides: Partial<ClaimedRun> = {}): FakeRun {
      const id = runs.size + 1;
      const run: FakeRun = {
        claimed: { ...claimedRun(id, url, text), ...overrides },
        taken: false,
        cancelled: false,
        forced: false,
        files: new Map(),
        status: 'queued',
        conclusion: null,
        message: '',
        jobs: new Map(),
        logs: new Map(),
        artifacts: new Map(),
        tokens: [],
      };
      runs.set(id, run);
      return run;
    },
    async completed(run: FakeRun): Promise<FakeRun> {
      await until(() => run.status === 'completed');
      return run;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export async function until(holds: () => boolean, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function applyUpdate(run: FakeRun, update: RunUpdate): void {
  if (update.status) run.status = update.status;
  if (update.conclusion !== undefined) run.conclusion = update.conclusion;
  if (update.message !== undefined) run.message = update.message;
  for (const job of update.jobs ?? []) run.jobs.set(job.key, job);
}

function claimedRun(id: number, url: string, text: string): ClaimedRun {
  return {
    id,
    attempt: 1,
    workflow: { path: '.github/workflows/test.yml', text },
    event: 'workflow_dispatch',
    event_payload: { action: 'requested', inputs: {}, list: [{ id: 1 }, { id: 2 }] },
    repository: { id: 5, owner: 'acme', name: 'bikes', default_branch: 'main', private: false },
    actor: 'ml-lead',
    triggering_actor: 'ml-lead',
    ref: 'refs/heads/main',
    ref_name: 'main',
    ref_type: 'branch',
    sha: 'c'.repeat(40),
    base_ref: '',
    head_ref: '',
    run_number: 3,
    inputs: {},
    vars: { COLOUR: 'green' },
    secrets: { PASSWORD: 'hunter2-hunter2' },
    server_url: url,
    api_url: `${url}/api/v3`,
    now: '2012-04-01T00:00:00.000Z',
    default_permissions: { contents: 'read', metadata: 'read' },
    kept: {},
    debug: false,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(new Uint8Array(bytes)).digest('hex');
}
