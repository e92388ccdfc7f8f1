import { z } from 'zod';
import { created, type Endpoint, list, noContent, ok, parseBody, type RepoCall, repo } from '../endpoint.ts';
import { listRefs, refSha, ZERO } from '../git-refs.ts';
import { isAncestor, webFlow, writeCommit } from '../merge.ts';
import { changeRef } from '../refs.ts';
import { notFound, Refusal, unprocessable } from '../refusal.ts';
import { repoUrl } from '../shapes/account.ts';
import { gitCommitShape, type Person, parsePerson, readCommit, verificationShape } from '../shapes/commit.ts';
import { editTree, listTree, personOf, type TreeEdit } from './contents.ts';

export const gitData: Endpoint[] = [
  repo('POST /git/blobs', 'contents=write | write', createBlob),
  repo('GET /git/blobs/:sha', 'contents=read', getBlob),
  repo('POST /git/trees', 'contents=write | write', createTree),
  repo('GET /git/trees/*', 'contents=read', getTree),
  repo('POST /git/commits', 'contents=write | write', createCommit),
  repo('GET /git/commits/:sha', 'contents=read', getCommit),
  repo('POST /git/tags', 'contents=write | write', createTag),
  repo('GET /git/tags/:sha', 'contents=read', getTag),
  repo('GET /git/ref/*', 'contents=read', getRef),
  repo('GET /git/matching-refs/*', 'contents=read', matchingRefs),
  repo('POST /git/refs', 'contents=write | write', createRef),
  repo('PATCH /git/refs/*', 'contents=write | write', updateRef),
  repo('DELETE /git/refs/*', 'contents=write | write', deleteRef),
];

const SHA = z.string().regex(/^[0-9a-f]{40}$/, 'must be 40 hexadecimal digits');

async function createBlob(call: RepoCall) {
  const { content, encoding } = parseBody(
    call,
    z.object({ content: z.string(), encoding: z.enum(['utf-8', 'base64']).default('utf-8') }),
  );
  const input = Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8');
  const sha = await call.hub.git(call.repo).text(['hash-object', '-w', '--stdin'], { input });
  return created({ sha, url: repoUrl(call.hub, call.repo, `/git/blobs/${sha}`) });
}

async function getBlob(call: RepoCall) {
  const sha = SHA.safeParse(call.params.sha).data;
  const blob = sha ? await call.hub.git(call.repo).read(sha) : undefined;
  if (blob?.type !== 'blob') throw notFound();
  if (/vnd\.github(\.v3)?\.raw/.test(call.request.headers.accept ?? '')) {
    return { status: 200, body: blob.content, headers: { 'content-type': 'application/vnd.github.raw' } };
  }
  return ok({
    sha: blob.oid,
    node_id: `B_${blob.oid}`,
    size: blob.size,
    url: repoUrl(call.hub, call.repo, `/git/blobs/${blob.oid}`),
    content: blob.content.toString('base64'),
    encoding: 'base64',
  });
}

const TREE = z.object({
  base_tree: z.string().optional(),
  tree: z
    .array(
      z.object({
        path: z.string().min(1),
        mode: z.enum(['100644', '100755', '040000', '160000', '120000']),
        type: z.enum(['blob', 'tree', 'commit']).optional(),
        sha: SHA.nullable().optional(),
        content: z.string().optional(),
      }),
    )
    .min(1),
});

async function createTree(call: RepoCall) {
  const input = parseBody(call, TREE);
  const git = call.hub.git(call.repo);
  const base = input.base_tree && (await git.info(`${input.base_tree}^{tree}`));
  if (input.base_tree && !base) throw unprocessable('base_tree is not a valid tree');
  const edits: TreeEdit[] = [];
  for (const { path, mode, sha, content } of input.tree) {
    if (path.split('/').some((part) => ['', '.', '..', '.git'].includes(part)) || path.includes('\0')) {
      throw unprocessable('tree.path contains a malformed path component');
    }
    if (content !== undefined) {
      edits.push({ path, mode, sha: await git.text(['hash-object', '-w', '--stdin'], { input: content }) });
    } else if (sha === null) {
      edits.push({ path, mode, sha: null });
    } else {
      const entry = sha && (await git.info(sha));
      if (!entry) throw unprocessable('tree.sha is not a valid object');
      if (entry.type === 'tree')
        for (const inner of await listTree(git, entry.oid, ['-r'])) {
          edits.push({ path: `${path}/${inner.path}`, mode: inner.mode, sha: inner.sha });
        }
      else edits.push({ path, mode, sha: entry.oid });
    }
  }
  const sha = await editTree(git, base ? base.oid : undefined, edits);
  return created(await treeShape(call, sha, false));
}

async function treeShape(call: RepoCall, sha: string, recursive: boolean) {
  const entries = await listTree(call.hub.git(call.repo), sha, recursive ? ['-r', '-t'] : []);
  return {
    sha,
    url: repoUrl(call.hub, call.repo, `/git/trees/${sha}`),
    tree: entries.map(({ path, mode, type, size, sha: entry }) => ({
      ...{ path, mode, type, sha: entry },
      ...(type === 'blob' ? { size } : {}),
      url: repoUrl(call.hub, call.repo, `/git/${type === 'tree' ? 'trees' : 'blobs'}/${entry}`),
    })),
    truncated: false,
  };
}

async function getTree(call: RepoCall) {
  const name = call.params['*'] ?? '';
  const git = call.hub.git(call.repo);
  const found =
    (await git.info(`refs/heads/${name}^{tree}`)) ??
    (name.startsWith('-') ? undefined : await git.info(`${name}^{tree}`));
  if (!found) throw notFound();
  return ok(await treeShape(call, found.oid, call.query.recursive !== undefined));
}

const PERSON = z.object({ name: z.string(), email: z.string(), date: z.string().optional() });

/** A commit by an app with no author, committer or signature of its own is GitHub's: verified. */
async function createCommit(call: RepoCall) {
  const { hub, actor } = call;
  const input = parseBody(
    call,
    z.object({
      message: z.string(),
      tree: SHA,
      parents: z.array(SHA).default([]),
      author: PERSON.optional(),
      committer: PERSON.optional(),
      signature: z.string().optional(),
    }),
  );
  const git = hub.git(call.repo);
  if ((await git.info(input.tree))?.type !== 'tree') throw unprocessable('Tree SHA does not exist');
  for (const parent of input.parents) {
    if ((await git.info(parent))?.type !== 'commit')
      throw unprocessable('Parent SHA does not exist or is not a commit object');
  }
  const own = !input.author && !input.committer && !input.signature;
  const verified = own && (actor.kind === 'installation' || actor.kind === 'job');
  const author = personOf(hub, actor, input.author);
  const committer = input.committer ? personOf(hub, actor, input.committer) : verified ? webFlow() : author;
  const { message, tree, parents } = input;
  const sha = await writeCommit(git, { message, tree, parents, author, committer });
  if (verified) hub.db.put('verified', sha, { sha });
  const commit = await readCommit(git, sha);
  if (!commit) throw new Error(`Commit ${sha} was written and cannot be read`);
  return created(gitCommitShape(hub, call.repo, commit));
}

async function getCommit(call: RepoCall) {
  const sha = SHA.safeParse(call.params.sha).data;
  const commit = sha && (await readCommit(call.hub.git(call.repo), sha));
  if (!commit) throw notFound();
  return ok(gitCommitShape(call.hub, call.repo, commit));
}

async function createTag(call: RepoCall) {
  const { hub, actor } = call;
  const input = parseBody(
    call,
    z.object({
      tag: z.string().min(1),
      message: z.string(),
      object: SHA,
      type: z.enum(['commit', 'tree', 'blob']),
      tagger: PERSON.optional(),
    }),
  );
  const git = hub.git(call.repo);
  const target = await git.info(input.object);
  if (target?.type !== input.type) throw unprocessable('Could not verify object');
  if ((await git.run(['check-ref-format', `refs/tags/${input.tag}`])).code !== 0)
    throw unprocessable('tag is not a valid tag name');
  const tagger = personOf(hub, actor, input.tagger);
  const seconds = Math.floor(Date.parse(tagger.date) / 1000);
  const safe = (text: string) => text.replace(/[<>\n]/g, '');
  const text = `object ${target.oid}\ntype ${target.type}\ntag ${input.tag}\ntagger ${safe(tagger.name)} <${safe(tagger.email)}> ${seconds} +0000\n\n${input.message.replace(/\n*$/, '\n')}`;
  const sha = await git.text(['hash-object', '-t', 'tag', '-w', '--stdin'], { input: text });
  return created(tagShape(call, sha, text));
}

function tagShape(call: RepoCall, sha: string, text: string) {
  const end = text.indexOf('\n\n');
  const field = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(text.slice(0, end))?.[1] ?? '';
  const [object, type] = [field('object'), field('type')];
  const tagger: Person = parsePerson(field('tagger'));
  return {
    node_id: `T_${sha}`,
    tag: field('tag'),
    sha,
    url: repoUrl(call.hub, call.repo, `/git/tags/${sha}`),
    message: text.slice(end + 2),
    tagger,
    object: { sha: object, type, url: repoUrl(call.hub, call.repo, `/git/${type}s/${object}`) },
    verification: verificationShape(call.hub, sha),
  };
}

async function getTag(call: RepoCall) {
  const sha = SHA.safeParse(call.params.sha).data;
  const tag = sha ? await call.hub.git(call.repo).read(sha) : undefined;
  if (tag?.type !== 'tag') throw notFound();
  return ok(tagShape(call, tag.oid, tag.content.toString()));
}

function refShape(call: RepoCall, { ref, sha, type }: { ref: string; sha: string; type: string }) {
  const path = ref.slice(5).split('/').map(encodeURIComponent).join('/');
  return {
    ref,
    node_id: `REF_${Buffer.from(`${call.repo.id}:${ref}`).toString('base64')}`,
    url: repoUrl(call.hub, call.repo, `/git/refs/${path}`),
    object: { sha, type, url: repoUrl(call.hub, call.repo, `/git/${type}s/${sha}`) },
  };
}

function refParam(call: RepoCall): string {
  return `refs/${(call.params['*'] ?? '').replace(/^refs\//, '')}`;
}

async function getRef(call: RepoCall) {
  const ref = refParam(call);
  const found = (await call.hub.git(call.repo).info(ref)) ?? undefined;
  if (!found) throw notFound();
  return ok(refShape(call, { ref, sha: found.oid, type: found.type }));
}

/** By prefix of the name, not by folder: `tags/bikes` finds `tags/bikes2` too. */
async function matchingRefs(call: RepoCall) {
  const prefix = refParam(call);
  const refs = await listRefs(call.hub.git(call.repo), 'refs');
  const shown = refs.filter(({ ref }) => ref.startsWith(prefix) && /^refs\/(heads|tags|pull)\//.test(ref));
  return list(call, shown, (ref) => refShape(call, ref));
}

function checkWritable(ref: string): void {
  if (/^refs\/(heads|tags)\/./.test(ref)) return;
  throw unprocessable(
    ref.startsWith('refs/') ? 'Reference cannot be updated' : "Reference name must start with 'refs'.",
  );
}

async function createRef(call: RepoCall) {
  const { ref, sha } = parseBody(call, z.object({ ref: z.string(), sha: SHA }));
  const { hub, actor } = call;
  const git = hub.git(call.repo);
  if (!ref.startsWith('refs/') || ref.split('/').length < 3)
    throw unprocessable("Reference name must start with 'refs' and have at least two slashes");
  checkWritable(ref);
  if ((await git.run(['check-ref-format', ref])).code !== 0)
    throw unprocessable(`${ref} is not a valid ref name.`);
  const object = await git.info(sha);
  if (!object) throw unprocessable('Object does not exist');
  if (await refSha(git, ref)) throw unprocessable('Reference already exists');
  await changeRef({ hub, repo: call.repo, actor, update: { ref, before: ZERO, after: sha } });
  return created(refShape(call, { ref, sha, type: object.type }));
}

async function updateRef(call: RepoCall) {
  const { sha, force } = parseBody(call, z.object({ sha: SHA, force: z.boolean().default(false) }));
  const { hub, actor } = call;
  const git = hub.git(call.repo);
  const ref = refParam(call);
  checkWritable(ref);
  const before = await refSha(git, ref);
  if (!before) throw unprocessable('Reference does not exist');
  const object = await git.info(sha);
  if (!object) throw unprocessable('Object does not exist');
  if (!force && before !== sha && !(await isAncestor(git, before, sha)))
    throw unprocessable('Update is not a fast forward');
  await changeRef({ hub, repo: call.repo, actor, update: { ref, before, after: sha } });
  return ok(refShape(call, { ref, sha, type: object.type }));
}

async function deleteRef(call: RepoCall) {
  const { hub, actor } = call;
  const ref = refParam(call);
  checkWritable(ref);
  if (ref === `refs/heads/${call.repo.default_branch}`) {
    throw new Refusal(422, 'Cannot delete the default branch');
  }
  const before = await refSha(hub.git(call.repo), ref);
  if (!before) throw unprocessable('Reference does not exist');
  await changeRef({ hub, repo: call.repo, actor, update: { ref, before, after: ZERO } });
  return noContent();
}
