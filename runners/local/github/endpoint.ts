import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Access, Actor } from './auth.ts';
import type { Hub } from './hub.ts';
import { Refusal } from './refusal.ts';
import type { Repository } from './rows/repository.ts';

export type ApiVersion = '2022-11-28' | '2026-03-10';

/** One request, after authentication. */
export type Call = {
  hub: Hub;
  actor: Actor;
  params: Record<string, string>;
  query: Record<string, string>;
  body: unknown;
  version: ApiVersion;
  request: FastifyRequest;
  reply: FastifyReply;
};
export type RepoCall = Call & { repo: Repository };

export type Answer = { status: number; body?: unknown; headers?: Record<string, string> };

type Handler<C> = (call: C) => Answer | Promise<Answer>;

/** A row of the route table. `route` is `METHOD /path` under the API root. */
export type Endpoint =
  | { route: string; scope: 'site'; handle: Handler<Call> }
  | { route: string; scope: 'repo'; access: Access; handle: Handler<RepoCall> };

/** An endpoint outside of a repository: it checks the actor itself. */
export function site(route: string, handle: Handler<Call>): Endpoint {
  return { route, scope: 'site', handle };
}

/** An endpoint of a repository; `path` begins after `/repos/{owner}/{repo}`. */
export function repo(route: string, access: string, handle: Handler<RepoCall>): Endpoint {
  const [method, path = ''] = route.split(' ');
  const [permissions = '', role = 'read'] = access.split('|').map((part) => part.trim());
  return {
    route: `${method} /repos/:owner/:repo${path === '/' ? '' : path}`,
    scope: 'repo',
    access: { permissions, role: role as Access['role'] },
    handle,
  };
}

export function ok(body: unknown, headers: Record<string, string> = {}): Answer {
  return { status: 200, body, headers };
}
export function created(body: unknown): Answer {
  return { status: 201, body };
}
export function noContent(): Answer {
  return { status: 204 };
}

/** Parse a body, or refuse with GitHub's 422 that names every fault. */
export function parseBody<T>(call: Call, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(call.body ?? {});
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => ({
    field: issue.path.join('.'),
    message: issue.message,
  }));
  const text = faults.map(({ field, message }) => (field ? `"${field}": ${message}` : message)).join('\n');
  throw new Refusal(422, `Invalid request.\n\n${text}`, {
    errors: faults.map(({ field, message }) => ({ resource: 'Request', field, code: 'invalid', message })),
  });
}

/** One page of rows, with the Link header of the others. */
export function page<T>(
  call: Call,
  rows: T[],
  shape: (row: T) => unknown,
): { items: unknown[]; headers: Record<string, string> } {
  const perPage = Math.min(100, Math.max(1, Number(call.query.per_page) || 30));
  const at = Math.max(1, Number(call.query.page) || 1);
  const last = Math.max(1, Math.ceil(rows.length / perPage));
  const links: string[] = [];
  const link = (to: number, rel: string) => {
    const url = new URL(call.request.url, call.hub.origin);
    url.searchParams.set('page', String(to));
    links.push(`<${url.href}>; rel="${rel}"`);
  };
  if (at > 1) link(at - 1, 'prev');
  if (at < last) link(at + 1, 'next');
  if (at < last) link(last, 'last');
  if (at > 1) link(1, 'first');
  return {
    items: rows.slice((at - 1) * perPage, at * perPage).map(shape),
    headers: links.length > 0 ? { link: links.join(', ') } : {},
  };
}

export function list<T>(call: Call, rows: T[], shape: (row: T) => unknown): Answer {
  const { items, headers } = page(call, rows, shape);
  return ok(items, headers);
}

/** Lists that GitHub wraps: `{total_count, <name>: [...]}`. */
export function countedList<T>(call: Call, name: string, rows: T[], shape: (row: T) => unknown): Answer {
  const { items, headers } = page(call, rows, shape);
  return ok({ total_count: rows.length, [name]: items }, headers);
}
