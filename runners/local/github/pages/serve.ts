import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findRepository, type Hub } from '../hub.ts';
import { notFound, Refusal } from '../refusal.ts';
import { blobPage, commitPage, commitsPage, homePage, splitRef, treePage } from './code.ts';
import { escapeHtml, html } from './html.ts';
import { issueListPage, issuePage, pullPage, pullPartPage } from './issues.ts';
import { document, type PageCall, STYLE } from './layout.ts';
import { findDownload, releaseListPage, releasePage } from './releases.ts';
import { checkPage, jobPage, runListPage, runPage } from './runs.ts';

const PAGES: [path: string, render: (call: PageCall) => string | Promise<string>][] = [
  ['', homePage],
  ['/tree/*', treePage],
  ['/blob/*', blobPage],
  ['/commits/*', commitsPage],
  ['/commit/:sha', commitPage],
  ['/issues', (call) => issueListPage(call, false)],
  ['/issues/:number', issuePage],
  ['/pulls', (call) => issueListPage(call, true)],
  ['/pull/:number', pullPage],
  ['/pull/:number/:part', pullPartPage],
  ['/actions', runListPage],
  ['/actions/runs/:id', runPage],
  ['/actions/runs/:id/job/:job', jobPage],
  ['/runs/:id', checkPage],
  ['/releases', releaseListPage],
  ['/releases/tag/*', releasePage],
];

/** Nothing is loaded from elsewhere and no script runs, whatever a comment says. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** Read-only pages under GitHub's own paths. They ask for no login: the port is this machine's alone. */
export function servePages(server: FastifyInstance, hub: Hub): void {
  server.get('/_local/style.css', (_request, reply) => reply.type('text/css').send(STYLE));
  server.get('/_local/avatar/:login', (request, reply) =>
    reply
      .type('image/svg+xml')
      .headers(HEADERS)
      .send(avatar((request.params as { login: string }).login)),
  );
  server.get('/', (_request, reply) => sendPage(reply, index(hub)));
  for (const [path, render] of PAGES) {
    server.get(`/:owner/:repo${path}`, async (request, reply) => {
      try {
        return sendPage(reply, await render(pageCall(hub, request)));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return sendPage(
          reply.code(error.status),
          document(error.message, html`<h1><a href="/">Home</a></h1>`, html`<h2>${error.message}</h2>`),
        );
      }
    });
  }
  server.get('/:owner/:repo/raw/*', async (request, reply) => {
    const call = pageCall(hub, request);
    const { sha, path } = await splitRef(call);
    const blob = await hub.git(call.repo).read(`${sha}:${path}`);
    if (blob?.type !== 'blob') throw notFound();
    return reply.headers(HEADERS).type('text/plain; charset=utf-8').send(blob.content);
  });
  server.get('/:owner/:repo/releases/download/:tag/:name', (request, reply) => {
    const { sha256 } = findDownload(pageCall(hub, request));
    return reply.headers(HEADERS).type('application/octet-stream').send(hub.blobs.read(sha256));
  });
}

function sendPage(reply: FastifyReply, text: string): FastifyReply {
  return reply.headers(HEADERS).type('text/html; charset=utf-8').send(text);
}

function pageCall(hub: Hub, request: FastifyRequest): PageCall {
  const params = request.params as Record<string, string>;
  const repo = findRepository(hub, params.owner ?? '', params.repo ?? '');
  if (!repo) throw notFound();
  return { hub, repo, params, query: request.query as Record<string, string> };
}

function index(hub: Hub): string {
  const rows = hub.db
    .all('repositories')
    .map(({ owner, name }) => html`<li><a href="/${owner}/${name}">${owner}/${name}</a></li>`);
  return document(
    'Local GitHub',
    html`<h1>Local GitHub</h1>`,
    html`<h2>Repositories</h2><div class="panel"><ul class="rows">${rows}</ul></div>`,
  );
}

function avatar(login: string): string {
  const name = login.replace(/\.svg$/, '');
  const hue = [...name].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 360, 7);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><rect width="40" height="40" fill="hsl(${hue} 45% 45%)"/><text x="20" y="27" font-size="20" text-anchor="middle" fill="#fff" font-family="sans-serif">${escapeHtml(name.charAt(0).toUpperCase())}</text></svg>`;
}
