import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { inVersion } from './api-version.ts';
import { type Actor, actorLogin, authenticate, authorize, canRead, tokenKey } from './auth.ts';
import type { Answer, ApiVersion, Call, Endpoint } from './endpoint.ts';
import { findRepository, type Hub } from './hub.ts';
import { movedRepository, redirectTo } from './moved.ts';
import { notFound, Refusal } from './refusal.ts';
import { actions } from './rest/actions.ts';
import { apps } from './rest/apps.ts';
import { checks } from './rest/checks.ts';
import { comments } from './rest/comments.ts';
import { commits } from './rest/commits.ts';
import { contents } from './rest/contents.ts';
import { deployments } from './rest/deployments.ts';
import { environments } from './rest/environments.ts';
import { forks } from './rest/forks.ts';
import { gitData } from './rest/git-data.ts';
import { graphql } from './rest/graphql.ts';
import { installationLife } from './rest/installation-life.ts';
import { issues } from './rest/issues.ts';
import { labels } from './rest/labels.ts';
import { locks } from './rest/locks.ts';
import { merges } from './rest/merges.ts';
import { pulls } from './rest/pulls.ts';
import { reactions } from './rest/reactions.ts';
import { releases, uploads } from './rest/releases.ts';
import { repositories } from './rest/repositories.ts';
import { repositoryLife, UNARCHIVE } from './rest/repository-life.ts';
import { reviewComments } from './rest/review-comments.ts';
import { reviews } from './rest/reviews.ts';
import { rulesets } from './rest/rulesets.ts';
import { runControl } from './rest/run-control.ts';
import { settings } from './rest/settings.ts';
import { subIssues } from './rest/sub-issues.ts';
import { suites } from './rest/suites.ts';
import { teams } from './rest/teams.ts';
import type { Repository } from './rows/repository.ts';

/** Every endpoint under `/api/v3`: tests ask each of them who may use it. */
export const API: Endpoint[] = [
  ...apps,
  ...installationLife,
  ...repositories,
  ...repositoryLife,
  ...rulesets,
  ...forks,
  ...contents,
  ...gitData,
  ...commits,
  ...issues,
  ...comments,
  ...locks,
  ...reactions,
  ...subIssues,
  ...teams,
  ...labels,
  ...pulls,
  ...merges,
  ...reviews,
  ...reviewComments,
  ...checks,
  ...suites,
  ...deployments,
  ...releases,
  ...actions,
  ...runControl,
  ...environments,
  ...settings,
];

/** GitHub's REST API as on GitHub Enterprise Server: `/api/v3`, uploads under `/api/uploads`. */
export function serveApi(server: FastifyInstance, hub: Hub): void {
  const limits = rateLimits(hub);
  const register = (prefix: string, endpoints: Endpoint[]) => async (scope: FastifyInstance) => {
    for (const endpoint of endpoints) {
      const [method = '', path = ''] = endpoint.route.split(' ');
      const handler = (request: FastifyRequest, reply: FastifyReply) =>
        handle({ hub, endpoint, request, reply, limits });
      const url = prefix + (path === '/' ? '' : path);
      scope.route({ method, url, handler });
      // Where redirects of renamed repositories lead.
      if (endpoint.scope === 'repo')
        scope.route({
          method,
          url: url.replace('/repos/:owner/:repo', '/repositories/:repository_id'),
          handler,
        });
    }
  };
  server.register(async (scope) => {
    // A body is JSON, whatever its type says: octokit sends an empty one as text.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string' }, async (_request: FastifyRequest, text: string) =>
      text === '' ? undefined : JSON.parse(text),
    );
    await register('/api/v3', API)(scope);
    await register('/api', graphql)(scope);
  });
  server.register(async (scope) => {
    // An asset is bytes, whatever its type says.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body));
    await register('/api/uploads', uploads)(scope);
  });
}

type Handling = {
  hub: Hub;
  endpoint: Endpoint;
  request: FastifyRequest;
  reply: FastifyReply;
  limits: (actor: Actor, request: FastifyRequest, reply: FastifyReply) => { refund(): void };
};

async function handle({ hub, endpoint, request, reply, limits }: Handling): Promise<FastifyReply> {
  const version = apiVersion(request);
  reply
    .header('x-github-api-version-selected', version)
    .header('x-github-media-type', 'github.v3; format=json');
  const actor = await authenticate(hub, request.headers.authorization);
  const budget = limits(actor, request, reply);
  const params = request.params as Record<string, string>;
  const query = request.query as Record<string, string>;
  const call: Call = { hub, actor, params, query, body: request.body, version, request, reply };
  const answer = await run(endpoint, call);
  // Nothing is answered before it is safe.
  await hub.db.committed();
  return send({ request, reply, answer, budget, version });
}

async function run(endpoint: Endpoint, call: Call): Promise<Answer> {
  if (endpoint.scope === 'site') return endpoint.handle(call);
  const { hub, actor, params } = call;
  const repo = findRepository(hub, params.owner ?? '', params.repo ?? '') ?? byId(call);
  if (!repo) {
    const moved = movedRepository(hub, params.owner ?? '', params.repo ?? '');
    if (!moved || !canRead(hub, moved, actor)) throw notFound();
    return redirectTo(hub, moved, call.request);
  }
  authorize({ hub, repo, actor, access: endpoint.access });
  if (repo.archived && !endpoint.route.startsWith('GET ') && endpoint.route !== UNARCHIVE)
    throw new Refusal(403, 'Repository was archived so is read-only.');
  if (endpoint.access.permissions)
    call.reply.header('x-accepted-github-permissions', endpoint.access.permissions);
  return endpoint.handle({ ...call, repo });
}

function byId({ hub, params }: Call): Repository | undefined {
  return params.repository_id === undefined ? undefined : hub.db.get('repositories', params.repository_id);
}

function apiVersion(request: FastifyRequest): ApiVersion {
  const asked = request.headers['x-github-api-version'];
  if (asked === undefined || asked === '2022-11-28') return '2022-11-28';
  if (asked === '2026-03-10') return asked;
  throw new Refusal(
    400,
    `${String(asked)} is not a supported API version. Supported: 2022-11-28, 2026-03-10.`,
  );
}

type Sending = {
  request: FastifyRequest;
  reply: FastifyReply;
  answer: Answer;
  budget: { refund(): void };
  version: ApiVersion;
};

function send({ request, reply, answer, budget, version }: Sending): FastifyReply {
  reply.code(answer.status).headers(answer.headers ?? {});
  if (answer.body === undefined) return reply.send();
  if (!isJson(answer.body)) return reply.send(answer.body);
  const text = JSON.stringify(inVersion(version, answer.body));
  reply.type('application/json; charset=utf-8');
  if (request.method !== 'GET' || answer.status !== 200) return reply.send(text);
  const etag = `W/"${createHash('sha256').update(text).digest('hex')}"`;
  reply.header('etag', etag).header('cache-control', 'private, max-age=60, s-maxage=60');
  if (request.headers['if-none-match'] !== etag) return reply.send(text);
  // What has not changed is free.
  budget.refund();
  return reply.code(304).removeHeader('content-type').send();
}

function isJson(body: unknown): boolean {
  if (typeof body === 'string' || Buffer.isBuffer(body)) return false;
  return !(typeof body === 'object' && body !== null && 'pipe' in body);
}

const HOUR_MS = 3_600_000;

/** One budget per token and hour, kept in memory; a restart is generous. */
function rateLimits(hub: Hub): Handling['limits'] {
  const buckets = new Map<string, { count: number; until: number }>();
  return (actor, request, reply) => {
    const key = tokenKey(request.headers.authorization ?? '');
    const now = Date.now();
    const found = buckets.get(key);
    const bucket = found && found.until > now ? found : { count: 0, until: now + HOUR_MS };
    buckets.set(key, bucket);
    const free = (request.routeOptions.url ?? '').endsWith('/rate_limit');
    const count = (by: number) => {
      bucket.count += by;
      reply.headers({
        'x-ratelimit-limit': String(hub.rateLimit),
        'x-ratelimit-remaining': String(Math.max(0, hub.rateLimit - bucket.count)),
        'x-ratelimit-used': String(bucket.count),
        'x-ratelimit-reset': String(Math.ceil(bucket.until / 1000)),
        'x-ratelimit-resource': 'core',
      });
    };
    count(free ? 0 : 1);
    if (!free && bucket.count > hub.rateLimit) {
      const who = actor.kind === 'anonymous' ? 'this address' : actorLogin(actor);
      throw new Refusal(403, `API rate limit exceeded for ${who}.`);
    }
    return { refund: () => count(-1) };
  };
}
