import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ClaimedRun, Permissions, RunState, RunUpdate, TurnAnswer } from '../protocol.ts';
import { tokenKey } from './auth.ts';
import { type Hub, timestamp } from './hub.ts';
import { notFound, Refusal } from './refusal.ts';
import type { Repository } from './rows/repository.ts';
import type { Artifact, Run } from './rows/run.ts';
import { repositoryOf, updateRun } from './runs.ts';
import { newToken } from './secrets.ts';
import { takeTurn } from './turns.ts';

const MAX_ARTIFACT_BYTES = 2 * 1024 ** 3;
const ARTIFACT_DAYS = 90;
const MAX_WAIT_MS = 30_000;
const JOB_TOKEN_LIFE_MS = 24 * 3_600_000;

export type LocalRequest = FastifyRequest<{
  Params: Record<string, string>;
  Querystring: Record<string, string>;
}>;

/** The runner's half of `/_local/`: see protocol.ts. */
export function serveRunners(scope: FastifyInstance, hub: Hub): void {
  runnerRoutes(scope, hub);
  artifactRoutes(scope, hub);
}

function runOf(hub: Hub, request: LocalRequest): Run {
  const run = hub.db.get('runs', request.params.id ?? '');
  if (!run) throw notFound();
  hub.lastSeen.set(run.id, Date.now());
  return run;
}

function runnerRoutes(scope: FastifyInstance, hub: Hub): void {
  scope.post('/runner/claim', async (request: LocalRequest, reply) => {
    const claim = z
      .object({
        runner: z.string().min(1),
        labels: z.array(z.string()).default([]),
        wait_ms: z.number().default(0),
      })
      .parse(request.body);
    const { runner: name, labels } = claim;
    const known = hub.runners.get(name)?.id ?? hub.runners.size + 1;
    hub.runners.set(name, { id: known, name, labels, seen: Date.now() });
    const run = await claimRun(hub, claim, reply);
    return run ? reply.send(claimedRun(hub, run)) : reply.code(204).send();
  });
  scope.get('/runner/runs', async (request: LocalRequest) => {
    const { runner } = z.object({ runner: z.string().min(1) }).parse(request.query);
    return hub.db
      .filter('runs', (one) => one.claimed_by === runner && one.status !== 'completed')
      .map((run) => {
        hub.lastSeen.set(run.id, Date.now());
        return claimedRun(hub, run);
      });
  });
  scope.patch('/runs/:id', async (request: LocalRequest, reply) => {
    const run = runOf(hub, request);
    await hub.exclusive(`run/${run.id}`, () => updateRun(hub, run, request.body as RunUpdate));
    await hub.db.committed();
    return reply.code(204).send();
  });
  scope.post('/runs/:id/jobs/:key/log', async (request: LocalRequest, reply) => {
    const run = runOf(hub, request);
    const name = { run_id: run.id, attempt: run.attempt, key: request.params.key ?? '' };
    await hub.exclusive(`log/${run.id}/${name.key}`, () =>
      hub.blobs.appendLog(name, String(request.body ?? '')),
    );
    return reply.code(204).send();
  });
  scope.post('/runs/:id/token', async (request: LocalRequest) => {
    const run = runOf(hub, request);
    const { permissions } = z
      .object({ permissions: z.record(z.string(), z.enum(['read', 'write', 'none'])).default({}) })
      .parse(request.body ?? {});
    return jobToken(hub, run, permissions);
  });
  scope.get('/runs/:id/state', async (request: LocalRequest) => {
    const run = runOf(hub, request);
    return stateOf(hub, run, Number(request.query.attempt ?? run.attempt));
  });
  scope.get('/runs/:id/file', async (request: LocalRequest, reply) => {
    const run = runOf(hub, request);
    const found = await hub.git(repositoryOf(hub, run)).read(`${run.sha}:${request.query.path ?? ''}`);
    if (found?.type !== 'blob') throw notFound();
    return reply.type('text/plain; charset=utf-8').send(found.content.toString());
  });
  scope.post('/runs/:id/jobs/:key/turn', async (request: LocalRequest, reply) =>
    reply.send(await awaitTurn(hub, runOf(hub, request), request)),
  );
}

function stateOf(hub: Hub, run: Run, attempt: number): RunState {
  if (attempt !== run.attempt || run.status === 'completed')
    return { cancelled: true, force: run.force_cancel === true, cancelled_jobs: [] };
  const cancelled = hub.db.filter('turns', (one) => one.run_id === run.id && one.state === 'cancelled');
  return {
    cancelled: run.cancel_requested,
    force: run.force_cancel === true,
    cancelled_jobs: cancelled.map(({ key }) => key),
  };
}

const TURN = z.object({
  name: z.string(),
  concurrency: z
    .object({ group: z.string(), cancel_in_progress: z.boolean(), queue: z.enum(['single', 'max']) })
    .nullable(),
  environment: z.object({ name: z.string().min(1), deployment: z.boolean() }).nullable(),
  wait_ms: z.number(),
});

/** How often a job that waits is looked at although nothing woke it: wait timers end by themselves. */
const LOOK_AGAIN_MS = 1000;

async function awaitTurn(hub: Hub, run: Run, request: LocalRequest): Promise<TurnAnswer> {
  const wanted = TURN.parse(request.body);
  const until = Date.now() + Math.min(MAX_WAIT_MS, wanted.wait_ms);
  for (;;) {
    const take = () => takeTurn(hub, run, request.params.key ?? '', wanted);
    const answer = await hub.exclusive(`run/${run.id}`, take);
    await hub.db.committed();
    const left = until - Date.now();
    if (answer.state !== 'wait' || left <= 0) return answer;
    hub.lastSeen.set(run.id, Date.now());
    await sleep(hub, Math.min(left, LOOK_AGAIN_MS));
  }
}

/** Waits, at most `wait_ms`, until a run is queued. A run whose runner left before it was told is queued again. */
async function claimRun(
  hub: Hub,
  claim: { runner: string; wait_ms: number },
  reply: FastifyReply,
): Promise<Run | undefined> {
  const until = Date.now() + Math.min(MAX_WAIT_MS, claim.wait_ms);
  let taken: Run | undefined;
  let gone = false;
  reply.raw.once('close', () => {
    gone = !reply.raw.writableFinished;
    if (gone && taken?.status === 'queued') release(hub, taken);
    hub.wakeRunners();
  });
  while (!gone) {
    taken = hub.db.find('runs', (one) => one.status === 'queued' && one.claimed_by === null);
    if (taken) {
      hub.lastSeen.set(taken.id, Date.now());
      hub.db.put('runs', taken.id, Object.assign(taken, { claimed_by: claim.runner }));
      await hub.db.committed();
      return taken;
    }
    const left = until - Date.now();
    if (left <= 0) return undefined;
    await sleep(hub, left);
  }
  return undefined;
}

function release(hub: Hub, run: Run): void {
  hub.db.put('runs', run.id, Object.assign(run, { claimed_by: null }));
  hub.db.committed().catch((error) => hub.log(`claim: ${String(error)}`));
}

/** Until woken, at most `ms`. */
function sleep(hub: Hub, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      hub.sleepers.delete(wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    hub.sleepers.add(wake);
  });
}

const TOKEN_SCOPES = [
  ...['actions', 'attestations', 'checks', 'contents', 'deployments', 'issues', 'packages', 'pages'],
  ...['pull_requests', 'security_events', 'statuses'],
];

const READ_ONLY: Permissions = { contents: 'read', packages: 'read', metadata: 'read' };

/** The repository's setting: all read, or the restricted set (contents and packages). */
function defaultPermissions(repo: Repository): Permissions {
  if (repo.default_permissions === 'read') return READ_ONLY;
  return { ...Object.fromEntries(TOKEN_SCOPES.map((name) => [name, 'write' as const])), metadata: 'read' };
}

function claimedRun(hub: Hub, run: Run): ClaimedRun {
  const repo = repositoryOf(hub, run);
  return {
    id: run.id,
    attempt: run.attempt,
    workflow: { path: run.path, text: run.workflow_text },
    event: run.event,
    event_payload: run.event_payload,
    repository: {
      ...{ id: repo.id, owner: repo.owner, name: repo.name },
      ...{ default_branch: repo.default_branch, private: repo.private },
    },
    actor: run.actor,
    triggering_actor: run.triggering_actor,
    ref: run.ref,
    ref_name: run.ref.replace(/^refs\/(heads|tags|pull)\//, ''),
    ref_type: run.ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    sha: run.sha,
    base_ref: run.base_ref,
    head_ref: run.head_ref,
    run_number: run.run_number,
    inputs: run.inputs,
    vars: repo.vars,
    secrets: run.from_fork ? {} : repo.secrets,
    server_url: hub.origin,
    api_url: `${hub.origin}/api/v3`,
    now: run.now,
    default_permissions: run.from_fork ? READ_ONLY : defaultPermissions(repo),
    kept: run.kept ?? {},
    debug: run.debug === true,
  };
}

/**
 * A GITHUB_TOKEN. Permission names may be written as in workflows, with hyphens. `workflows` it never has. With the
 * exception of GITHUB_TOKEN no secret is passed to a fork's run, and that token reads (GitHub docs, events-that-trigger-workflows).
 */
async function jobToken(hub: Hub, run: Run, wanted: Permissions): Promise<{ token: string }> {
  if (run.status === 'completed') throw new Refusal(409, 'The run has ended');
  const named = Object.entries(wanted).map(
    ([name, level]) =>
      [name.replaceAll('-', '_'), run.from_fork && level === 'write' ? 'read' : level] as const,
  );
  const permissions = Object.fromEntries(named.filter(([name]) => TOKEN_SCOPES.includes(name)));
  const token = newToken('ghs_');
  const key = tokenKey(token);
  hub.db.put('tokens', key, {
    kind: 'job',
    ...{ run_id: run.id, attempt: run.attempt, repository_id: run.repository_id },
    permissions: { metadata: 'read', ...permissions },
    expires_at: timestamp(new Date(Date.now() + JOB_TOKEN_LIFE_MS)),
  });
  run.token_keys.push(key);
  hub.db.put('runs', run.id, run);
  await hub.db.committed();
  return { token };
}

/** `retention-days` of the upload, at most the repository's own (GitHub docs: 90 days unless set otherwise). */
function retentionDays(request: LocalRequest): number {
  const wanted = Number(request.query.retention_days || ARTIFACT_DAYS);
  return wanted >= 1 ? Math.min(wanted, ARTIFACT_DAYS) : ARTIFACT_DAYS;
}

function artifactRoutes(scope: FastifyInstance, hub: Hub): void {
  const ofRun = (run: Run, name?: string) =>
    hub.db.filter(
      'artifacts',
      (one) => one.run_id === run.id && !one.deleted && (!name || one.name === name),
    );
  scope.get('/runs/:id/artifacts', async (request: LocalRequest) =>
    ofRun(runOf(hub, request)).map(({ name, size, sha256 }) => ({
      name,
      size_in_bytes: size,
      digest: `sha256:${sha256}`,
    })),
  );
  scope.get('/runs/:id/artifacts/:name', async (request: LocalRequest, reply) => {
    const [artifact] = ofRun(runOf(hub, request), request.params.name);
    if (!artifact) throw notFound();
    return reply.type('application/zip').send(hub.blobs.read(artifact.sha256));
  });
  scope.put(
    '/runs/:id/artifacts/:name',
    { bodyLimit: MAX_ARTIFACT_BYTES },
    async (request: LocalRequest, reply) => {
      const run = runOf(hub, request);
      const name = request.params.name ?? '';
      const taken = () =>
        new Refusal(409, `an artifact with the name ${name} already exists on the workflow run`);
      if (ofRun(run, name).length > 0) throw taken();
      const body = request.body instanceof Readable ? request.body : request.raw;
      const { sha256, size } = await hub.blobs.write(body, MAX_ARTIFACT_BYTES);
      // Two uploads at once: names are unique per run and never overwritten.
      if (ofRun(run, name).length > 0) throw taken();
      const now = timestamp();
      const artifact: Artifact = {
        ...{ id: hub.db.nextId(), repository_id: run.repository_id, run_id: run.id, name, size, sha256 },
        ...{ created_at: now, updated_at: now, deleted: false },
        expires_at: timestamp(new Date(Date.now() + retentionDays(request) * 86_400_000)),
      };
      hub.db.put('artifacts', artifact.id, artifact);
      await hub.db.committed();
      return reply.code(201).send({ id: artifact.id, digest: `sha256:${sha256}` });
    },
  );
}
