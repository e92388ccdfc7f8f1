import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findRepository, type Hub } from '../hub.ts';
import { notFound, Refusal } from '../refusal.ts';
import { requestAction } from '../rest/checks.ts';
import { labelByForm } from '../rest/issue-labels.ts';
import { ask, type Deed, perform } from './act.ts';
import { blobPage, commitPage, commitsPage, homePage, splitRef, treePage } from './code.ts';
import { escapeHtml, html } from './html.ts';
import { issueListPage, issuePage, pullPage, pullPartPage } from './issues.ts';
import { labelsPage, milestonePage, milestonesPage } from './labels.ts';
import { document, href, type PageCall, STYLE } from './layout.ts';
import { newIssuePage, readIssueForm } from './new-issue.ts';
import { findDownload, releaseListPage, releasePage } from './releases.ts';
import { checkPage, jobPage, runListPage, runPage } from './runs.ts';
import { checkSameOrigin, type Session, type Sessions, serveSessions } from './session.ts';

const PAGES: [path: string, render: (call: PageCall) => string | Promise<string>][] = [
  ['', homePage],
  ['/tree/*', treePage],
  ['/blob/*', blobPage],
  ['/commits/*', commitsPage],
  ['/commit/:sha', commitPage],
  ['/issues', (call) => issueListPage(call, false)],
  ['/issues/new', newIssuePage],
  ['/issues/:number', issuePage],
  ['/labels', labelsPage],
  ['/milestones', milestonesPage],
  ['/milestone/:number', milestonePage],
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
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`, which would hide from us that a form came from here.
  'referrer-policy': 'same-origin',
};

/**
 * Pages under GitHub's own paths. Looking asks for no login: the port is this machine's alone. Acting asks for a
 * person's token and goes through the public API.
 */
export function servePages(server: FastifyInstance, hub: Hub): void {
  server.get('/_local/style.css', (_request, reply) => reply.type('text/css').send(STYLE));
  server.get('/_local/avatar/:login', (request, reply) =>
    reply
      .type('image/svg+xml')
      .headers(HEADERS)
      .send(avatar((request.params as { login: string }).login)),
  );
  server.get('/', (_request, reply) => sendPage(reply, index(hub)));
  server.register(async (scope) => {
    readForms(scope);
    const sessions = serveSessions(scope, hub, HEADERS);
    serveRepositories(scope, hub, sessions);
  });
}

const MAX_FORM_BYTES = 1024 * 1024;

function readForms(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: MAX_FORM_BYTES },
    async (_request: FastifyRequest, text: string) => formFields(new URLSearchParams(text)),
  );
}

/** What was chosen several times is one list. */
function formFields(sent: URLSearchParams): Record<string, string> {
  return Object.fromEntries([...new Set(sent.keys())].map((name) => [name, sent.getAll(name).join(', ')]));
}

function serveRepositories(server: FastifyInstance, hub: Hub, sessions: Sessions): void {
  servePosts(server, hub, sessions);
  for (const [path, render] of PAGES) {
    server.get(`/:owner/:repo${path}`, async (request, reply) => {
      return orRefusal(reply, async () => sendPage(reply, await render(pageCall(hub, request, sessions))));
    });
  }
  server.get('/:owner/:repo/raw/*', async (request, reply) => {
    const call = pageCall(hub, request, sessions);
    const { sha, path } = await splitRef(call);
    const blob = await hub.git(call.repo).read(`${sha}:${path}`);
    if (blob?.type !== 'blob') throw notFound();
    return reply.headers(HEADERS).type('text/plain; charset=utf-8').send(blob.content);
  });
  server.get('/:owner/:repo/releases/download/:tag/:name', (request, reply) => {
    const { sha256 } = findDownload(pageCall(hub, request, sessions));
    return reply.headers(HEADERS).type('application/octet-stream').send(hub.blobs.read(sha256));
  });
}

async function orRefusal(reply: FastifyReply, answer: () => Promise<FastifyReply>): Promise<FastifyReply> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const back = html`<h1><a href="/">Home</a></h1>`;
    const main = html`<p class="flash" role="alert">${error.message}</p>`;
    return sendPage(reply.code(error.status), document(error.message, back, main));
  }
}

/** Forms come back to their page: what they did, or why not. */
function servePosts(server: FastifyInstance, hub: Hub, sessions: Sessions): void {
  type Doing = { call: PageCall; session: Session; form: Deed['form'] };
  const route = (path: string, kind: string, act: (doing: Doing) => Promise<string>) =>
    server.post(`/:owner/:repo${path}`, async (request, reply) =>
      orRefusal(reply, async () => {
        checkSameOrigin(request);
        const page = pageCall(hub, request, sessions);
        const session = sessions.of(request);
        if (!session) return reply.redirect(`/login?return_to=${encodeURIComponent(page.path)}`, 303);
        const call = { ...page, params: { ...page.params, kind } };
        const form = (request.body ?? {}) as Deed['form'];
        return reply.redirect(await act({ call, session, form }), 303);
      }),
    );
  route('/runs/:number/action', 'runs', async ({ call, session, form }) => {
    const { params, hub, repo } = call;
    const identifier = form.identifier ?? '';
    requestAction({ hub, repo }, { login: session.login, check: params.number ?? '', identifier });
    return href(call, 'runs', params.number ?? '');
  });
  const byApi = async ({ call, session, form }: Doing) => {
    await perform(server, session, { hub, repo: call.repo, params: call.params, form });
    return call.path;
  };
  for (const kind of ['issues', 'pull', 'runs', 'actions/runs']) route(`/${kind}/:number`, kind, byApi);
  for (const kind of ['labels', 'milestones']) route(`/${kind}`, kind, byApi);
  route('/issues/new', 'issues/new', async ({ call, session, form }) => {
    const issue = await readIssueForm(call, form);
    const made = (await ask(server, session, {
      repo: call.repo,
      request: { method: 'POST', path: '/issues', body: { title: issue.title, body: issue.body } },
    })) as { number: number };
    if (issue.labels.length > 0)
      await labelByForm({ call, login: session.login, number: made.number, labels: issue.labels });
    return href(call, 'issues', made.number);
  });
}

function sendPage(reply: FastifyReply, text: string): FastifyReply {
  return reply.headers(HEADERS).type('text/html; charset=utf-8').send(text);
}

function pageCall(hub: Hub, request: FastifyRequest, sessions: Sessions): PageCall {
  const params = request.params as Record<string, string>;
  const repo = findRepository(hub, params.owner ?? '', params.repo ?? '');
  if (!repo) throw notFound();
  const query = request.query as Record<string, string>;
  const path = new URL(request.url, hub.origin).pathname;
  return { hub, repo, params, query, login: sessions.of(request)?.login, path };
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
