import { type FileDiff, pullFiles } from '../diff.ts';
import { notFound } from '../refusal.ts';
import { listTree, resolveCommit } from '../rest/contents.ts';
import { listCommits, readCommit } from '../shapes/commit.ts';
import { headline } from '../workflow-events.ts';
import { type Html, html, time } from './html.ts';
import { commitLink, href, type PageCall, repositoryPage } from './layout.ts';
import { markdown } from './markdown.ts';

const MAX_SHOWN_BYTES = 512 * 1024;

/** `tree/main/models/bikes`: a ref may hold slashes, so the longest one that resolves is it. */
export async function splitRef(call: PageCall): Promise<{ ref: string; sha: string; path: string }> {
  const parts = (call.params['*'] ?? '').split('/').filter(Boolean);
  for (let length = parts.length; length > 0; length--) {
    const ref = parts.slice(0, length).join('/');
    const sha = await resolveCommit(call.hub, call.repo, ref);
    if (sha) return { ref, sha, path: parts.slice(length).join('/') };
  }
  throw notFound();
}

export async function homePage(call: PageCall): Promise<string> {
  const ref = call.repo.default_branch;
  const sha = await resolveCommit(call.hub, call.repo, ref);
  if (!sha) {
    const main = html`<h2>${call.repo.name}</h2><p>This repository is empty.</p><pre>git push ${call.hub.origin}/${call.repo.owner}/${call.repo.name}.git main</pre>`;
    return repositoryPage(call, { title: 'Code', tab: '', main });
  }
  return repositoryPage(call, { title: 'Code', tab: '', main: await folder(call, { ref, sha, path: '' }) });
}

export async function treePage(call: PageCall): Promise<string> {
  const at = await splitRef(call);
  return repositoryPage(call, { title: at.path || at.ref, tab: '', main: await folder(call, at) });
}

async function folder(call: PageCall, at: { ref: string; sha: string; path: string }): Promise<Html> {
  const git = call.hub.git(call.repo);
  const tree = await git.info(at.path ? `${at.sha}:${at.path}` : `${at.sha}^{tree}`);
  if (tree?.type !== 'tree') throw notFound();
  const entries = (await listTree(git, tree.oid)).toSorted(
    (a, b) => b.type.localeCompare(a.type) || a.path.localeCompare(b.path),
  );
  const inside = (name: string) => (at.path ? `${at.path}/${name}` : name);
  const commit = await readCommit(git, at.sha);
  const readme = entries.find(({ path }) => /^readme\.md$/i.test(path));
  const text = readme && (await git.read(readme.sha))?.content.toString();
  return html`<p><strong>${at.ref}</strong> ${at.path && html`/ ${at.path}`} · <a href="${href(call, 'commits', at.ref)}">history</a></p>
<div class="panel"><div class="head">${commit && html`${commitLink(call, commit.sha)} ${headline(commit.message)} <span class="soft">${commit.author.name}, ${time(commit.author.date)}</span>`}</div>
<ul class="rows">${entries.map(
    ({ type, path }) =>
      html`<li>${type === 'tree' ? '📁' : '📄'} <a href="${href(call, type === 'tree' ? 'tree' : 'blob', at.ref, inside(path))}">${path}</a></li>`,
  )}</ul></div>
${text !== undefined && html`<div class="panel"><h3>README.md</h3><div class="body">${markdown(text)}</div></div>`}`;
}

export async function blobPage(call: PageCall): Promise<string> {
  const { ref, sha, path } = await splitRef(call);
  const blob = await call.hub.git(call.repo).read(`${sha}:${path}`);
  if (blob?.type !== 'blob') throw notFound();
  const raw = href(call, 'raw', ref, path);
  const text = blob.content.includes(0) || blob.size > MAX_SHOWN_BYTES ? undefined : blob.content.toString();
  const body =
    text === undefined
      ? html`<p>${blob.size} bytes. <a href="${raw}">Download</a></p>`
      : path.endsWith('.md')
        ? markdown(text)
        : html`<pre><code>${text}</code></pre>`;
  const main = html`<p><strong>${ref}</strong> / ${path}</p><div class="panel"><div class="head"><a href="${raw}">Raw</a> <span class="soft">${blob.size} bytes</span></div><div class="body">${body}</div></div>`;
  return repositoryPage(call, { title: path, tab: '', main });
}

export async function commitsPage(call: PageCall): Promise<string> {
  const { ref, sha } = await splitRef(call);
  const commits = (await listCommits(call.hub.git(call.repo), [sha], 100)).reverse();
  const rows = commits.map(
    (commit) =>
      html`<li>${commitLink(call, commit.sha)} ${headline(commit.message)} <span class="soft">${commit.author.name}, ${time(commit.author.date)}</span></li>`,
  );
  const main = html`<h2>History of ${ref}</h2><div class="panel"><ul class="rows">${rows}</ul></div>`;
  return repositoryPage(call, { title: `History of ${ref}`, tab: '', main });
}

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export async function commitPage(call: PageCall): Promise<string> {
  const git = call.hub.git(call.repo);
  const sha = await resolveCommit(call.hub, call.repo, call.params.sha);
  const commit = sha && (await readCommit(git, sha));
  if (!commit) throw notFound();
  const files = await pullFiles(git, `${commit.parents[0] ?? EMPTY_TREE}..${commit.sha}`);
  const verified = call.hub.db.get('verified', commit.sha) && html`<span class="label">Verified</span>`;
  const main = html`<h2>${headline(commit.message)}</h2><pre>${commit.message}</pre>
<p class="soft">${commit.author.name} &lt;${commit.author.email}&gt;, ${time(commit.author.date)} · ${commit.sha} ${verified}</p>${files.map(fileDiff)}`;
  return repositoryPage(call, { title: headline(commit.message), tab: '', main });
}

export function fileDiff(file: FileDiff): Html {
  const lines = (file.patch ?? '').split('\n').map((line) => {
    const kind = line.startsWith('@@')
      ? 'hunk'
      : line.startsWith('+')
        ? 'add'
        : line.startsWith('-')
          ? 'del'
          : 'same';
    return html`<span class="${kind}">${line || ' '}</span>`;
  });
  const name = file.previous_filename ? `${file.previous_filename} → ${file.filename}` : file.filename;
  return html`<div class="panel"><div class="head">${name} <span class="soft">${file.status}, +${file.additions} −${file.deletions}</span></div>
${file.patch === undefined ? html`<div class="body soft">No text to show.</div>` : html`<pre class="diff">${lines}</pre>`}</div>`;
}
