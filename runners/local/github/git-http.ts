import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Actor, actorLogin, allows, authenticate, canRead, hasRole } from './auth.ts';
import { gitEnvironment } from './git.ts';
import type { RefUpdate } from './git-refs.ts';
import { findRepository, type Hub, repositoryPath } from './hub.ts';
import { movedRepository } from './moved.ts';
import { announce, needsWorkflowsPermission } from './refs.ts';
import { Refusal } from './refusal.ts';
import type { Repository } from './rows/repository.ts';
import { FORCED, refRefusal, refusesForce } from './rulesets.ts';

type GitParams = { owner: string; repo: string; '*': string };

/** Git's smart HTTP through `git http-backend`: real pushes, real refusals in git's own words. */
export function serveGit(server: FastifyInstance, hub: Hub): void {
  server.register(async (scope) => {
    // Bodies are packs: passed on as they come.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body));
    scope.get<{ Params: GitParams }>('/:owner/:repo.git/*', (request, reply) => answer(hub, request, reply));
    scope.post<{ Params: GitParams }>('/:owner/:repo.git/*', (request, reply) => answer(hub, request, reply));
  });
}

async function answer(hub: Hub, request: FastifyRequest<{ Params: GitParams }>, reply: FastifyReply) {
  const { owner, repo: name, '*': path } = request.params;
  const url = new URL(request.url, hub.origin);
  const service = path === 'info/refs' ? url.searchParams.get('service') : path;
  const pushes = service === 'git-receive-pack';
  if (!['info/refs', 'git-upload-pack', 'git-receive-pack'].includes(path) || !service?.startsWith('git-')) {
    return reply.code(404).send('Not Found\n');
  }
  // git packs a fetch request, never a push; what is packed could not be checked.
  if (path === 'git-receive-pack' && request.headers['content-encoding']) return reply.code(415).send();
  const access = await admit(hub, { request, owner, name, pushes });
  if ('status' in access) {
    if (access.status === 401) reply.header('www-authenticate', 'Basic realm="GitHub"');
    return reply.code(access.status).type('text/plain').send(`${access.message}\n`);
  }
  const { repo, actor } = access;
  reply.hijack();
  await backend({
    hub,
    repo,
    actor,
    request,
    reply,
    path,
    query: url.search.slice(1),
    pushes: path === 'git-receive-pack',
  });
}

type Admitted = { repo: Repository; actor: Actor };

async function admit(
  hub: Hub,
  options: { request: FastifyRequest; owner: string; name: string; pushes: boolean },
): Promise<Admitted | { status: number; message: string }> {
  let actor: Actor;
  try {
    actor = await authenticate(hub, options.request.headers.authorization);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { status: 401, message: 'Invalid username or token.' };
  }
  const name = options.name;
  const repo = findRepository(hub, options.owner, name) ?? movedRepository(hub, options.owner, name);
  if (actor.kind === 'anonymous' && (!repo || repo.private || options.pushes)) {
    return { status: 401, message: 'Authentication required' };
  }
  if (!repo || !canRead(hub, repo, actor)) return { status: 404, message: 'Repository not found.' };
  if (repo.archived && options.pushes)
    return { status: 403, message: 'This repository was archived so it is read-only.' };
  if (mayUse(hub, { repo, actor }, options.pushes)) return { repo, actor };
  const message = `Permission to ${repo.owner}/${repo.name}.git denied to ${actorLogin(actor)}.`;
  return { status: 403, message };
}

function mayUse(hub: Hub, { repo, actor }: Admitted, pushes: boolean): boolean {
  if (actor.kind === 'anonymous') return !pushes;
  if (actor.kind === 'user') return hasRole(hub, repo, actor.login, pushes ? 'write' : 'read');
  if (actor.kind === 'app') return false;
  return allows(actor.permissions, `contents=${pushes ? 'write' : 'read'}`);
}

type Exchange = Admitted & {
  hub: Hub;
  request: FastifyRequest;
  reply: FastifyReply;
  path: string;
  query: string;
  pushes: boolean;
};

async function backend(exchange: Exchange): Promise<void> {
  const { hub, repo, actor, request, reply, pushes } = exchange;
  const incoming = join(hub.dir, 'github', 'incoming');
  const pushed = join(incoming, randomUUID());
  if (pushes) await mkdir(incoming, { recursive: true });
  const body = (request.body ?? request.raw) as Readable;
  const { head, refused, forward } = pushes ? await inspect(exchange, body) : NOTHING_PUSHED;
  const header = (name: string) => String(request.headers[name] ?? '');
  const child = spawn('git', ['-c', `core.hooksPath=${join(hub.dir, 'github', 'hooks')}`, 'http-backend'], {
    env: gitEnvironment({
      GIT_PROJECT_ROOT: repositoryPath(hub.dir, repo),
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: `/${exchange.path}`,
      QUERY_STRING: exchange.query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header('content-type'),
      ...(request.headers['content-length'] && { CONTENT_LENGTH: header('content-length') }),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      GIT_PROTOCOL: header('git-protocol'),
      REMOTE_USER: actor.kind === 'anonymous' ? '' : actorLogin(actor),
      REMOTE_ADDR: '127.0.0.1',
      ROUNDHOUSE_PUSHED: pushed,
      ROUNDHOUSE_REFUSED: refused,
      ROUNDHOUSE_FORWARD: forward.join(' '),
      ROUNDHOUSE_FORCED: FORCED,
      ROUNDHOUSE_WORKFLOWS: needsWorkflowsPermission(actor) ? 'refused' : '',
    }),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  for (const chunk of head) child.stdin.write(chunk);
  body.pipe(child.stdin);
  request.raw.on('aborted', () => child.kill());
  const finished = new Promise<void>((resolve) => child.on('close', () => resolve()));
  // A push is answered only when its events are on the disk; a fetch streams.
  const out = pushes ? await collect(child.stdout) : undefined;
  if (out) {
    await finished;
    await afterPush(exchange, pushed);
    writeCgi(reply, out.subarray(0, headerEnd(out)), [out.subarray(headerEnd(out))]);
    reply.raw.end();
    return;
  }
  await stream(reply, child.stdout);
  await finished;
}

async function collect(source: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function headerEnd(out: Buffer): number {
  const at = out.indexOf('\r\n\r\n');
  return at < 0 ? out.length : at + 4;
}

function writeCgi(reply: FastifyReply, head: Buffer, rest: Buffer[]): void {
  let status = 200;
  const headers: Record<string, string> = {};
  for (const line of head.toString('latin1').split('\r\n').filter(Boolean)) {
    const [name = '', value = ''] = [
      line.slice(0, line.indexOf(':')),
      line.slice(line.indexOf(':') + 1).trim(),
    ];
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else headers[name] = value;
  }
  reply.raw.writeHead(head.length === 0 ? 500 : status, headers);
  for (const chunk of rest) reply.raw.write(chunk);
}

async function stream(reply: FastifyReply, source: NodeJS.ReadableStream): Promise<void> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of source) {
    if (!head) {
      if (!reply.raw.write(chunk))
        await new Promise((resolve) => reply.raw.once('drain', resolve).once('close', resolve));
      continue;
    }
    head = Buffer.concat([head, chunk as Buffer]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) continue;
    writeCgi(reply, head.subarray(0, end), [head.subarray(end + 4)]);
    head = undefined;
  }
  if (head) writeCgi(reply, head, []);
  reply.raw.end();
}

/** `forward`: refs that may only move forward, which shows when their objects are there. */
type Inspected = { head: Buffer[]; refused: string; forward: string[] };
const NOTHING_PUSHED: Inspected = { head: [], refused: '', forward: [] };

const MAX_COMMAND_BYTES = 1024 * 1024;

/**
 * The commands of a push stand before its pack, as pkt-lines up to a flush. Read them without losing a byte:
 * rules are decided here by the same function as for the API. What cannot be read is refused.
 */
async function inspect(exchange: Exchange, body: Readable): Promise<Inspected> {
  const head: Buffer[] = [];
  let size = 0;
  let known: RefUpdate[] | 'malformed' | undefined;
  while (!known && size <= MAX_COMMAND_BYTES) {
    const chunk: Buffer | null = body.read();
    if (chunk) {
      head.push(chunk);
      size += chunk.length;
      known = commands(Buffer.concat(head));
    } else if (!(await hasMore(body))) break;
  }
  if (!Array.isArray(known))
    return { head, refused: 'the commands of this push cannot be read', forward: [] };
  const refused = known.flatMap((update) => {
    if (!/^refs\/(heads|tags)\//.test(update.ref)) return [`deny updating a hidden ref: ${update.ref}`];
    return refRefusal({ hub: exchange.hub, repo: exchange.repo, update, actor: exchange.actor }) ?? [];
  });
  // They travel in an environment variable: a handful says enough.
  const { hub, repo, actor } = exchange;
  const forward = known.map(({ ref }) => ref).filter((ref) => refusesForce({ hub, repo, actor, ref }));
  return { head, refused: refused.slice(0, 20).join('\n'), forward };
}

function hasMore(body: Readable): Promise<boolean> {
  if (body.readableEnded || body.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    body.once('readable', () => resolve(true));
    body.once('end', () => resolve(false));
    body.once('close', () => resolve(false));
  });
}

const COMMAND = /^([0-9a-f]{40}) ([0-9a-f]{40}) ([^\0\n]+)/;

/** Undefined until the flush has come. Signed pushes are not offered, so their lines are malformed here. */
export function commands(bytes: Buffer): RefUpdate[] | 'malformed' | undefined {
  const found: RefUpdate[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const digits = bytes.toString('latin1', at, at + 4);
    if (digits === '0000') return found;
    const length = /^[0-9a-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : 0;
    if (length <= 4) return 'malformed';
    if (at + length > bytes.length) return undefined;
    const line = bytes.toString('utf8', at + 4, at + length);
    const [, before, after, ref] = COMMAND.exec(line) ?? [];
    if (before && after && ref) found.push({ before, after, ref });
    else if (!line.startsWith('shallow ')) return 'malformed';
    at += length;
  }
  return undefined;
}

/** What the post-receive hook wrote down; nothing for a refused push and for git's empty probe. */
async function afterPush(exchange: Exchange, pushed: string): Promise<void> {
  const { hub, repo, actor } = exchange;
  const text = await readFile(pushed, 'utf8').catch(() => '');
  const updates = text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [before = '', after = '', ref = ''] = line.split(' ');
      return { before, after, ref };
    });
  if (updates.length > 0) {
    await hub.exclusive(`refs/${repo.id}`, () => announce({ hub, repo, actor, updates }));
    await hub.db.committed();
  }
  await rm(pushed, { force: true });
}
