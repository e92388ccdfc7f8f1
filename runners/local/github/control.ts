import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { appRoutes } from './apps-control.ts';
import { ensureEnvironment } from './environments.ts';
import { findRepository, type Hub, localNow, timestamp } from './hub.ts';
import { notFound, Refusal } from './refusal.ts';
import { runLogs } from './rest/actions.ts';
import { RULES } from './rest/rulesets.ts';
import type { LocalRequest } from './runner-wire.ts';
import { serveRunners } from './runner-wire.ts';
import { advanceClock } from './schedule.ts';
import { type SeedSpec, seed } from './seed.ts';
import { isSigned } from './signed-url.ts';
import { teamRoutes } from './teams-control.ts';

/** What is no part of GitHub: the runner's wire (protocol.ts), the clock, set-up, signed downloads. */
export function serveControl(server: FastifyInstance, hub: Hub): void {
  server.register(
    async (scope) => {
      scope.addHook('onRequest', async (request) => {
        const given = Buffer.from(String(request.headers['x-roundhouse-local'] ?? ''));
        const expected = Buffer.from(hub.secrets.control);
        if (given.length === expected.length && timingSafeEqual(given, expected)) return;
        throw new Refusal(401, 'The header x-roundhouse-local must carry the control token of secrets.json');
      });
      scope.addContentTypeParser(['application/zip', 'application/octet-stream'], (_request, body, done) =>
        done(null, body),
      );
      scope.addContentTypeParser(
        'text/plain',
        { parseAs: 'string', bodyLimit: 64 * 1024 ** 2 },
        (_request, body, done) => done(null, body),
      );
      serveRunners(scope, hub);
      setupRoutes(scope, hub);
      teamRoutes(scope, hub);
      appRoutes(scope, hub);
    },
    { prefix: '/_local' },
  );
  server.get('/_local/signed/*', (request: LocalRequest, reply) => signedDownload(hub, request, reply));
}

const SETTINGS = z.strictObject({
  vars: z.record(z.string(), z.string()).optional(),
  secrets: z.record(z.string(), z.string()).optional(),
  default_permissions: z.enum(['read', 'write']).optional(),
  actions_may_open_pulls: z.boolean().optional(),
  private: z.boolean().optional(),
  allow_forking: z.boolean().optional(),
  delete_branch_on_merge: z.boolean().optional(),
  immutable_releases: z.boolean().optional(),
  description: z.string().nullable().optional(),
  plan: z.enum(['free', 'pro', 'team', 'enterprise']).optional(),
  protections: z
    .array(
      z.strictObject({
        workflows: z.array(z.string()).optional(),
        events: z.array(z.string()).optional(),
        actors: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

/** What REST asks an administrator for, and secrets without their encryption. */
const ENVIRONMENT = z.strictObject({
  wait_timer: z.number().int().min(0).optional(),
  prevent_self_review: z.boolean().optional(),
  reviewers: z.array(z.string()).max(6).optional(),
  branches: z.union([z.literal('protected'), z.array(z.string()), z.null()]).optional(),
  secrets: z.record(z.string(), z.string()).optional(),
  vars: z.record(z.string(), z.string()).optional(),
});

const RULESETS = z.array(
  z.strictObject({
    name: z.string(),
    target: z.enum(['branch', 'tag']),
    include: z.array(z.string()),
    exclude: z.array(z.string()).default([]),
    rules: RULES,
    bypass_apps: z.array(z.number().int()).default([]),
  }),
);

function setupRoutes(scope: FastifyInstance, hub: Hub): void {
  const repositoryIn = (request: LocalRequest) => {
    const found = findRepository(hub, request.params.owner ?? '', request.params.repo ?? '');
    if (!found) throw notFound();
    return found;
  };
  scope.post('/seed', async (request: LocalRequest, reply) => {
    await seed(hub, request.body as SeedSpec);
    return reply.code(204).send();
  });
  scope.patch('/repos/:owner/:repo', async (request: LocalRequest, reply) => {
    const repo = repositoryIn(request);
    hub.db.put('repositories', repo.id, Object.assign(repo, SETTINGS.parse(request.body)));
    await hub.db.committed();
    return reply.code(204).send();
  });
  scope.put('/environments/:owner/:repo/:name', async (request: LocalRequest, reply) => {
    const environment = ensureEnvironment(hub, repositoryIn(request), request.params.name ?? '');
    const changed = Object.assign(environment, ENVIRONMENT.parse(request.body));
    hub.db.put('environments', environment.id, changed);
    await hub.db.committed();
    return reply.code(204).send();
  });
  scope.put('/rulesets/:owner/:repo', async (request: LocalRequest, reply) => {
    const repo = repositoryIn(request);
    const now = timestamp();
    repo.rulesets = RULESETS.parse(request.body).map(({ bypass_apps, ...set }) => ({
      ...{ id: hub.db.nextId(), ...set, enforcement: 'active', created_at: now, updated_at: now },
      bypass_actors: bypass_apps.map((actor_id) => ({
        ...{ actor_id, actor_type: 'Integration', bypass_mode: 'always' },
      })),
    }));
    hub.db.put('repositories', repo.id, repo);
    await hub.db.committed();
    return reply.code(204).send();
  });
  scope.get('/clock', async () => ({ now: localNow(hub) }));
  scope.post('/clock', async (request: LocalRequest) => {
    const { now } = z.object({ now: z.iso.datetime({ offset: true }) }).parse(request.body);
    return { fired: await hub.exclusive('clock', () => advanceClock(hub, new Date(now))) };
  });
  scope.get('/idle', async () => ({
    runs_open: hub.db.filter('runs', (one) => one.status !== 'completed').length,
    deliveries_pending: hub.undelivered(),
  }));
}

/** Where downloads are redirected to: the signature is the permission. */
async function signedDownload(hub: Hub, request: LocalRequest, reply: FastifyReply) {
  const path = request.params['*'] ?? '';
  const { until, signature } = request.query;
  if (!isSigned(hub.secrets.control, { path, until, signature }))
    throw new Refusal(403, 'The link is not valid or has expired');
  const [kind, id = ''] = path.split('/');
  if (kind === 'artifacts') {
    const artifact = hub.db.get('artifacts', id);
    if (!artifact || artifact.deleted) throw notFound();
    return reply.type('application/zip').send(hub.blobs.read(artifact.sha256));
  }
  if (kind === 'runs') {
    const run = hub.db.get('runs', id);
    if (!run) throw notFound();
    return reply.type('application/zip').send(Buffer.from(await runLogs({ hub }, run)));
  }
  const job = hub.db.get('jobs', id);
  if (!job) throw notFound();
  return reply
    .type('text/plain; charset=utf-8')
    .send(await hub.blobs.log({ run_id: job.run_id, attempt: job.attempt, key: job.key }));
}
