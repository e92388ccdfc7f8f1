import { createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Permissions } from '../../protocol.ts';
import { type Actor, canRead, grantedTo, roleOf, tokenKey } from '../auth.ts';
import {
  type Call,
  countedList,
  created,
  type Endpoint,
  list,
  noContent,
  ok,
  parseBody,
  site,
} from '../endpoint.ts';
import { findAccount, findRepository, type Hub, timestamp } from '../hub.ts';
import { notFound, Refusal, unprocessable } from '../refusal.ts';
import type { App, Delivery, Installation } from '../rows/app.ts';
import { newToken } from '../secrets.ts';
import {
  appShape,
  installationShape,
  repositoryShape,
  rolePermissions,
  userShape,
} from '../shapes/account.ts';
import { deliveryRequest, isFresh, redeliver } from '../webhooks.ts';

const TOKEN_LIFE_MS = 3_600_000;

export const apps: Endpoint[] = [
  site('GET /', ({ hub }) => ok(root(hub))),
  site('GET /meta', () => ok({ verifiable_password_authentication: false, installed_version: '3.21.0' })),
  site('GET /rate_limit', rateLimit),
  site('GET /app', (call) =>
    ok(
      appOf(call, (app) => ({
        ...appShape(call.hub, app),
        installations_count: installationsOf(call.hub, app).length,
      })),
    ),
  ),
  site('GET /app/installations', (call) =>
    list(call, installationsOf(call.hub, asApp(call)), (one) => installationShape(call.hub, one)),
  ),
  site('GET /app/installations/:id', (call) => ok(installationShape(call.hub, getInstallation(call)))),
  site('GET /repos/:owner/:repo/installation', repositoryInstallation),
  site('GET /orgs/:account/installation', accountInstallation),
  site('GET /users/:account/installation', accountInstallation),
  site('POST /app/installations/:id/access_tokens', createAccessToken),
  site('GET /installation/repositories', installationRepositories),
  site('DELETE /installation/token', revokeToken),
  site('GET /app/hook/deliveries', listDeliveries),
  site('GET /app/hook/deliveries/:id', (call) => ok(deliveryDetail(call.hub, getDelivery(call)))),
  site('POST /app/hook/deliveries/:id/attempts', redeliverOne),
  site('GET /user', currentUser),
  site('GET /user/repos', userRepositories),
  site('GET /users/:login', (call) => ok(getUser(call))),
];

function root(hub: Hub) {
  const api = `${hub.origin}/api/v3`;
  return {
    current_user_url: `${api}/user`,
    repository_url: `${api}/repos/{owner}/{repo}`,
    rate_limit_url: `${api}/rate_limit`,
    user_url: `${api}/users/{user}`,
  };
}

function rateLimit(call: Call) {
  const limit = call.hub.rateLimit;
  const remaining = Number(call.reply.getHeader('x-ratelimit-remaining') ?? limit);
  const reset = Number(call.reply.getHeader('x-ratelimit-reset') ?? 0);
  const core = { limit, remaining, reset, used: limit - remaining, resource: 'core' };
  // The version 2026-03-10 no longer repeats `core` as `rate`.
  const search = { limit: 30, remaining: 30, reset, used: 0, resource: 'search' };
  return ok({ resources: { core, search }, ...(call.version === '2022-11-28' ? { rate: core } : {}) });
}

function asApp({ actor }: Call): App {
  if (actor.kind === 'app') return actor.app;
  throw new Refusal(401, 'A JSON web token could not be decoded');
}

function appOf<T>(call: Call, use: (app: App) => T): T {
  return use(asApp(call));
}

function installationsOf(hub: Hub, app: App): Installation[] {
  return hub.db.filter('installations', ({ app_id }) => app_id === app.id);
}

function getInstallation(call: Call): Installation {
  const app = asApp(call);
  const found = call.hub.db.get('installations', call.params.id ?? '');
  if (!found || found.app_id !== app.id) throw notFound();
  return found;
}

function repositoryInstallation(call: Call) {
  const app = asApp(call);
  const repo = findRepository(call.hub, call.params.owner ?? '', call.params.repo ?? '');
  const found = repo && installationsOf(call.hub, app).find((one) => one.repository_ids.includes(repo.id));
  if (!found) throw notFound();
  return ok(installationShape(call.hub, found));
}

function accountInstallation(call: Call) {
  const found = installationsOf(call.hub, asApp(call)).find(({ account }) => account === call.params.account);
  if (!found) throw notFound();
  return ok(installationShape(call.hub, found));
}

const TOKEN_REQUEST = z.object({
  repositories: z.array(z.string()).optional(),
  repository_ids: z.array(z.number().int()).optional(),
  permissions: z.record(z.string(), z.enum(['read', 'write'])).optional(),
});

/** A token may be narrower than its installation, never wider. */
function createAccessToken(call: Call) {
  const { hub } = call;
  const app = asApp(call);
  const installation = getInstallation(call);
  if (installation.suspended_at) throw new Refusal(403, 'This installation has been suspended');
  const wanted = parseBody(call, TOKEN_REQUEST);
  const permissions = narrowed(grantedTo(app, installation), wanted.permissions);
  const inside = installation.repository_ids.flatMap((id) => hub.db.get('repositories', id) ?? []);
  const chosen = inside.filter(
    ({ id, name }) =>
      (!wanted.repositories || wanted.repositories.includes(name)) &&
      (!wanted.repository_ids || wanted.repository_ids.includes(id)),
  );
  const asked = wanted.repositories?.length ?? wanted.repository_ids?.length;
  if (asked !== undefined && chosen.length !== asked) {
    throw unprocessable(
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    );
  }
  const expires_at = timestamp(new Date(Date.now() + TOKEN_LIFE_MS));
  const token = installationToken(call, app, installation);
  hub.db.put('tokens', tokenKey(token), {
    kind: 'installation',
    installation_id: installation.id,
    permissions,
    repository_ids: chosen.map(({ id }) => id),
    expires_at,
  });
  return created({
    token,
    expires_at,
    permissions,
    repository_selection: 'selected',
    ...(asked === undefined ? {} : { repositories: chosen.map((repo) => repositoryShape(hub, repo)) }),
  });
}

function narrowed(granted: Permissions, wanted: Permissions | undefined): Permissions {
  if (!wanted) return { metadata: 'read', ...granted };
  for (const [name, level] of Object.entries(wanted)) {
    const has = name === 'metadata' ? 'read' : granted[name];
    if (has === 'write' || has === level) continue;
    throw unprocessable('The permissions requested are not granted to this installation.');
  }
  return { metadata: 'read', ...wanted };
}

/** Both formats are alive: long with two dots unless the header asks for the old one. */
function installationToken(call: Call, app: App, installation: Installation): string {
  if (call.request.headers['x-github-stateless-s2s-token'] === 'disabled') return newToken('ghs_');
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: 'local',
    aud: app.client_id,
    sub: String(installation.id),
    iat: now,
    exp: now + 3600,
  };
  const unsigned = `${part({ alg: 'HS512', typ: 'JWT' })}.${part({ ...claims, jti: randomBytes(120).toString('hex') })}`;
  const signature = createHmac('sha512', call.hub.secrets.control).update(unsigned).digest('base64url');
  return `ghs_${app.id}_${unsigned}.${signature}`;
}

function installationRepositories(call: Call) {
  const { actor, hub } = call;
  if (actor.kind !== 'installation' && actor.kind !== 'job') {
    throw new Refusal(
      403,
      'You must authenticate with an installation access token in order to list repositories for an installation.',
    );
  }
  const rows = actor.repository_ids.flatMap((id) => hub.db.get('repositories', id) ?? []);
  const { body, ...answer } = countedList(call, 'repositories', rows, (one) => repositoryShape(hub, one));
  return { ...answer, body: { ...(body as object), repository_selection: 'selected' } };
}

function revokeToken(call: Call) {
  const token = /^(?:bearer|token) (.+)$/i.exec(call.request.headers.authorization ?? '')?.[1] ?? '';
  if (call.actor.kind !== 'installation') throw new Refusal(403, 'Resource not accessible by integration');
  call.hub.db.remove('tokens', tokenKey(token));
  return noContent();
}

function deliveryShape(delivery: Delivery) {
  const { id, guid, redelivery, duration, status, status_code, event, action } = delivery;
  return {
    ...{ id, guid, delivered_at: delivery.delivered_at ?? delivery.created_at, redelivery, duration, status },
    ...{ status_code, event, action, installation_id: delivery.installation_id },
    ...{ repository_id: delivery.repository_id, throttled_at: null },
  };
}

function deliveryDetail(hub: Hub, delivery: Delivery) {
  const app = hub.db.get('apps', delivery.app_id);
  return {
    ...deliveryShape(delivery),
    url: app?.webhook_url ?? '',
    request: { headers: app ? deliveryRequest(app, delivery).headers : {}, payload: delivery.payload },
    response: { headers: delivery.response?.headers ?? null, payload: delivery.response?.body ?? null },
  };
}

function freshDeliveries(call: Call): Delivery[] {
  const app = asApp(call);
  return call.hub.db.filter('deliveries', (one) => one.app_id === app.id && isFresh(one)).reverse();
}

/** Newest first, paged by cursor as GitHub does. */
function listDeliveries(call: Call) {
  const perPage = Math.min(100, Math.max(1, Number(call.query.per_page) || 30));
  const before = Number(call.query.cursor?.replace(/^v1_/, '')) || Number.POSITIVE_INFINITY;
  const wanted = call.query.status;
  const rows = freshDeliveries(call).filter(
    (one) =>
      one.id < before &&
      one.delivered_at !== null &&
      (wanted === undefined || (wanted === 'success') === (one.status_code >= 200 && one.status_code < 400)),
  );
  const shown = rows.slice(0, perPage);
  const last = shown.at(-1);
  const next = new URL(call.request.url, call.hub.origin);
  next.searchParams.set('cursor', `v1_${last?.id}`);
  return ok(shown.map(deliveryShape), rows.length > perPage ? { link: `<${next.href}>; rel="next"` } : {});
}

function getDelivery(call: Call): Delivery {
  const found = freshDeliveries(call).find(({ id }) => String(id) === call.params.id);
  if (!found) throw notFound();
  return found;
}

function redeliverOne(call: Call) {
  redeliver(call.hub, getDelivery(call));
  return { status: 202, body: {} };
}

function asPerson(actor: Actor): string {
  if (actor.kind === 'user') return actor.login;
  if (actor.kind === 'anonymous') throw new Refusal(401, 'Requires authentication');
  throw new Refusal(403, 'Resource not accessible by integration');
}

function currentUser(call: Call) {
  return ok(publicUser(call.hub, asPerson(call.actor)));
}

function publicUser(hub: Hub, login: string) {
  const account = findAccount(hub, login);
  return {
    ...userShape(hub, login),
    name: login,
    company: null,
    blog: '',
    location: null,
    email: null,
    hireable: null,
    bio: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: account?.created_at ?? timestamp(),
    updated_at: account?.created_at ?? timestamp(),
  };
}

function getUser(call: Call) {
  const account = findAccount(call.hub, call.params.login ?? '');
  if (!account) throw notFound();
  return publicUser(call.hub, account.login);
}

function userRepositories(call: Call) {
  const login = asPerson(call.actor);
  const rows = call.hub.db.filter('repositories', (one) => canRead(call.hub, one, call.actor));
  return list(call, rows, (one) => ({
    ...repositoryShape(call.hub, one),
    permissions: rolePermissions(roleOf(call.hub, one, login)),
  }));
}
