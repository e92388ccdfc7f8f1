import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type Actor, actorLogin } from '../auth.ts';
import { type Answer, type Endpoint, ok, parseBody, type RepoCall, repo } from '../endpoint.ts';
import type { Git } from '../git.ts';
import { refSha, ZERO } from '../git-refs.ts';
import { type Hub, timestamp } from '../hub.ts';
import { webFlow, writeCommit } from '../merge.ts';
import { changeRef } from '../refs.ts';
import { notFound, Refusal, unprocessable } from '../refusal.ts';
import type { Repository } from '../rows/repository.ts';
import { htmlUrl, repoUrl } from '../shapes/account.ts';
import { emailOf, gitCommitShape, type Person, readCommit } from '../shapes/commit.ts';

export const contents: Endpoint[] = [
  repo('GET /readme', 'contents=read', readme),
  repo('GET /contents', 'contents=read', getContents),
  repo('GET /contents/*', 'contents=read', getContents),
  repo('PUT /contents/*', 'contents=write | write', putContents),
  repo('DELETE /contents/*', 'contents=write | write', deleteContents),
];

/** Any ref, tag or SHA that a caller may name; the default branch where none is. */
export async function resolveCommit(
  hub: Hub,
  row: Repository,
  ref: string | undefined,
): Promise<string | undefined> {
  const git = hub.git(row);
  const name = ref || row.default_branch;
  if (name.startsWith('-')) return undefined;
  const candidates = [`refs/heads/${name}`, `refs/tags/${name}`, ...(/^refs\//.test(name) ? [name] : [])];
  if (/^[0-9a-f]{4,40}$/.test(name)) candidates.push(name);
  if (name === 'HEAD') candidates.push('HEAD');
  if (/^(heads|tags)\//.test(name)) candidates.push(`refs/${name}`);
  for (const candidate of candidates) {
    const found = await git.info(`${candidate}^{commit}`);
    if (found) return found.oid;
  }
  return undefined;
}

type Entry = { mode: string; type: string; sha: string; size: number; path: string };

export async function listTree(git: Git, tree: string, flags: string[] = []): Promise<Entry[]> {
  const out = await git.text(['ls-tree', '-l', '-z', '--full-tree', ...flags, tree]);
  return out
    .split('\0')
    .filter(Boolean)
    .map((line) => {
      const [meta = '', path = ''] = [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)];
      const [mode = '', type = '', sha = '', size = '0'] = meta.split(/ +/);
      return { mode, type, sha, size: Number(size) || 0, path };
    });
}

function entryShape(
  call: RepoCall,
  entry: { path: string; sha: string; size: number; type: string },
  ref: string,
) {
  const { hub } = call;
  const path = entry.path.split('/').map(encodeURIComponent).join('/');
  const self = repoUrl(hub, call.repo, `/contents/${path}?ref=${encodeURIComponent(ref)}`);
  const kind = entry.type === 'tree' ? 'dir' : 'file';
  const git = repoUrl(hub, call.repo, `/git/${entry.type === 'tree' ? 'trees' : 'blobs'}/${entry.sha}`);
  const html = htmlUrl(hub, call.repo, `/${entry.type === 'tree' ? 'tree' : 'blob'}/${ref}/${path}`);
  return {
    type: kind,
    size: entry.size,
    name: entry.path.split('/').at(-1) ?? '',
    path: entry.path,
    sha: entry.sha,
    url: self,
    git_url: git,
    html_url: html,
    download_url: kind === 'file' ? htmlUrl(hub, call.repo, `/raw/${ref}/${path}`) : null,
    _links: { self, git, html },
  };
}

const MAX_CONTENT_BYTES = 100 * 1024 * 1024;
const MAX_BASE64_BYTES = 1024 * 1024;

function wantsRaw(call: RepoCall): boolean {
  return /application\/vnd\.github(\.v3)?\.raw(\+json)?/.test(call.request.headers.accept ?? '');
}

async function getContents(call: RepoCall): Promise<Answer> {
  const { hub } = call;
  const git = hub.git(call.repo);
  const path = (call.params['*'] ?? '').replace(/^\/+|\/+$/g, '');
  const ref = call.query.ref || call.repo.default_branch;
  const commit = await resolveCommit(hub, call.repo, call.query.ref);
  if (!commit)
    throw new Refusal(
      404,
      call.query.ref ? `No commit found for the ref ${ref}` : 'This repository is empty.',
    );
  const found = path === '' ? await git.info(`${commit}^{tree}`) : await git.info(`${commit}:${path}`);
  if (!found) throw notFound();
  if (found.type === 'tree') {
    const entries = await listTree(git, found.oid);
    return ok(
      entries.map((entry) =>
        entryShape(call, { ...entry, path: path ? `${path}/${entry.path}` : entry.path }, ref),
      ),
    );
  }
  if (found.size > MAX_CONTENT_BYTES) throw new Refusal(403, 'This API returns blobs up to 100 MB in size.');
  const blob = await git.read(found.oid);
  if (!blob) throw notFound();
  if (wantsRaw(call)) {
    return {
      status: 200,
      body: blob.content,
      headers: { 'content-type': 'application/vnd.github.raw; charset=utf-8' },
    };
  }
  const small = found.size <= MAX_BASE64_BYTES;
  return ok({
    ...entryShape(call, { path, sha: found.oid, size: found.size, type: 'blob' }, ref),
    encoding: small ? 'base64' : 'none',
    content: small ? wrapped(blob.content) : '',
  });
}

/** Base64 in lines of 60, as GitHub sends it. */
function wrapped(content: Buffer): string {
  return content.toString('base64').replace(/.{60}(?=.)/g, '$&\n') + (content.length > 0 ? '\n' : '');
}

async function readme(call: RepoCall): Promise<Answer> {
  return getContents({ ...call, params: { ...call.params, '*': 'README.md' } });
}

const PERSON = z.object({ name: z.string().min(1), email: z.string().min(1), date: z.string().optional() });
const CHANGE = z.object({
  message: z.string().min(1),
  branch: z.string().optional(),
  sha: z.string().optional(),
  author: PERSON.optional(),
  committer: PERSON.optional(),
});
const PUT = CHANGE.extend({ content: z.string() });

/** Who signs a commit made through the API: the caller, unless he names someone. */
export function personOf(hub: Hub, actor: Actor, given?: z.infer<typeof PERSON>): Person {
  if (given) return { name: given.name, email: given.email, date: given.date ?? timestamp() };
  const login = actorLogin(actor);
  return { name: login, email: emailOf(hub, login), date: timestamp() };
}

async function putContents(call: RepoCall): Promise<Answer> {
  const input = parseBody(call, PUT);
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(input.content)) throw unprocessable('content is not valid Base64');
  const git = call.hub.git(call.repo);
  const blob = await git.text(['hash-object', '-w', '--stdin'], {
    input: Buffer.from(input.content, 'base64'),
  });
  const { existed, commit, path, branch } = await commitPath(call, input, blob);
  const size = (await git.info(blob))?.size ?? 0;
  return {
    status: existed ? 200 : 201,
    body: {
      content: entryShape(call, { path, sha: blob, size, type: 'blob' }, branch),
      commit: gitCommitShape(call.hub, call.repo, commit),
    },
  };
}

async function deleteContents(call: RepoCall): Promise<Answer> {
  const query = { message: call.query.message, sha: call.query.sha, branch: call.query.branch };
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
  const input = parseBody({ ...call, body: { ...given, ...((call.body as object | null) ?? {}) } }, CHANGE);
  if (!input.sha) throw unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.');
  const { commit } = await commitPath(call, input, undefined);
  return ok({ content: null, commit: gitCommitShape(call.hub, call.repo, commit) });
}

/** One commit that sets or, without a blob, removes one path. The old blob must be the one the caller knew. */
async function commitPath(call: RepoCall, input: z.infer<typeof CHANGE>, blob: string | undefined) {
  const { hub, actor } = call;
  const git = hub.git(call.repo);
  const path = (call.params['*'] ?? '').replace(/^\/+/, '');
  if (path === '' || path.split('/').some((part) => ['', '.', '..', '.git'].includes(part))) {
    throw unprocessable('path contains a malformed path component');
  }
  const branch = input.branch ?? call.repo.default_branch;
  const parent = await refSha(git, `refs/heads/${branch}`);
  if (!parent && (await refSha(git, `refs/heads/${call.repo.default_branch}`))) {
    throw new Refusal(404, `Branch ${branch} not found`);
  }
  const old = parent && (await git.info(`${parent}:${path}`));
  if (old && !input.sha) throw unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.');
  if (!old && !blob) throw notFound();
  if (input.sha && old && old.oid !== input.sha) {
    throw new Refusal(409, `${path} does not match ${input.sha}`);
  }
  const tree = await editTree(git, parent, [{ path, mode: '100644', sha: blob ?? null }]);
  const author = personOf(hub, actor, input.author ?? input.committer);
  const own = !input.author && !input.committer;
  const bot = actor.kind === 'installation' || actor.kind === 'job';
  const sha = await writeCommit(git, {
    tree,
    parents: parent ? [parent] : [],
    message: input.message,
    author,
    committer: input.committer ? personOf(hub, actor, input.committer) : bot && own ? webFlow() : author,
  });
  if (bot && own) hub.db.put('verified', sha, { sha });
  const update = { ref: `refs/heads/${branch}`, before: parent ?? ZERO, after: sha };
  await changeRef({ hub, repo: call.repo, actor, update }).catch((error: unknown) => {
    if (error instanceof Refusal && /fast forward|already exists/.test(error.message)) {
      throw new Refusal(409, `is at ${branch} but expected ${parent}`);
    }
    throw error;
  });
  const commit = await readCommit(git, sha);
  if (!commit) throw new Error(`Commit ${sha} was written and cannot be read`);
  return { commit, existed: Boolean(old), path, branch };
}

export type TreeEdit = { path: string; mode: string; sha: string | null };

/** A new tree: that of `base` with entries set, or removed where `sha` is null. */
export async function editTree(git: Git, base: string | undefined, edits: TreeEdit[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'index-'));
  const env = { GIT_INDEX_FILE: join(folder, 'index') };
  try {
    await git.text(base ? ['read-tree', base] : ['read-tree', '--empty'], { env });
    const lines = edits.map(({ path, mode, sha }) =>
      sha === null ? `0 ${ZERO}\t${path}` : `${mode} ${sha}\t${path}`,
    );
    await git.text(['update-index', '-z', '--replace', '--index-info'], {
      env,
      input: `${lines.join('\0')}\0`,
    });
    return await git.text(['write-tree'], { env });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
