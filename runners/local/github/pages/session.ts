import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { authenticate } from '../auth.ts';
import type { Hub } from '../hub.ts';
import { Refusal } from '../refusal.ts';
import { html } from './html.ts';
import { document } from './layout.ts';

/** Who is signed in to the pages, with his token: everything he does goes through the public API. */
export type Session = { login: string; token: string };
export type Sessions = { of(request: FastifyRequest): Session | undefined };

const COOKIE = 'roundhouse_local';

/** `/login` takes a person's token, as git and the API do. Kept in memory: a restart signs everybody out. */
export function serveSessions(server: FastifyInstance, hub: Hub, headers: Record<string, string>): Sessions {
  const sessions = new Map<string, Session>();
  const send = (reply: FastifyReply, text: string) =>
    reply.headers(headers).type('text/html; charset=utf-8').send(text);
  server.get('/login', (request, reply) => {
    const { return_to = '/' } = request.query as { return_to?: string };
    return send(reply, loginPage(hub, safePath(return_to)));
  });
  server.post('/login', async (request, reply) => {
    checkSameOrigin(request);
    const { token = '', return_to = '/' } = request.body as Record<string, string>;
    const login = await personOf(hub, token.trim());
    if (!login)
      return send(reply.code(401), loginPage(hub, safePath(return_to), 'This is no token of a person.'));
    const id = randomBytes(24).toString('hex');
    sessions.set(id, { login, token: token.trim() });
    return reply
      .header('set-cookie', `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Strict`)
      .redirect(safePath(return_to), 303);
  });
  server.post('/logout', async (request, reply) => {
    checkSameOrigin(request);
    sessions.delete(cookie(request));
    return reply.header('set-cookie', `${COOKIE}=; Path=/; Max-Age=0`).redirect('/', 303);
  });
  return { of: (request) => sessions.get(cookie(request)) };
}

async function personOf(hub: Hub, token: string): Promise<string | undefined> {
  const actor = await authenticate(hub, `Bearer ${token}`).catch((error: unknown) => {
    if (error instanceof Refusal) return undefined;
    throw error;
  });
  return actor?.kind === 'user' ? actor.login : undefined;
}

function cookie(request: FastifyRequest): string {
  const found = new RegExp(`(?:^|; *)${COOKIE}=([0-9a-f]+)`).exec(request.headers.cookie ?? '');
  return found?.[1] ?? '';
}

/** A form of another site must not act in the name of who is signed in here. */
export function checkSameOrigin(request: FastifyRequest): void {
  if (request.headers.origin === `http://${request.headers.host}`) return;
  throw new Refusal(403, 'This form was not sent from a page of this server.');
}

/** A path on this server: never another one, which `//host` would be. */
function safePath(path: string): string {
  return /^\/(?![/\\])[\x21-\x7e]*$/.test(path) ? path : '/';
}

function loginPage(hub: Hub, returnTo: string, fault?: string): string {
  const people = Object.keys(hub.secrets.tokens).join(', ');
  const main = html`<h2>Sign in</h2>
<p>With the token of a person: ${people}. Tokens are in <code>secrets.json</code> in the folder of the local GitHub, under <code>tokens</code>.</p>
${fault && html`<p class="flash" role="alert">${fault}</p>`}
<form method="post" action="/login"><input type="hidden" name="return_to" value="${returnTo}">
<label>Token <input type="password" name="token" autocomplete="off" required></label> <button class="primary">Sign in</button></form>`;
  return document('Sign in', html`<h1><a href="/">Local GitHub</a></h1>`, main);
}
