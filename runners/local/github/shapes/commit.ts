import type { Git } from '../git.ts';
import type { Hub } from '../hub.ts';
import type { Repository } from '../rows/repository.ts';
import { htmlUrl, repoUrl, userShape } from './account.ts';

export type Person = { name: string; email: string; date: string };
export type Commit = {
  sha: string;
  tree: string;
  parents: string[];
  author: Person;
  committer: Person;
  message: string;
};

/** Undefined when there is no such commit. `name` is anything git understands, resolved to a commit. */
export async function readCommit(git: Git, name: string): Promise<Commit | undefined> {
  const found = await git.read(`${name}^{commit}`);
  return found?.type === 'commit' ? parseCommit(found.oid, found.content.toString()) : undefined;
}

function parseCommit(sha: string, text: string): Commit {
  const end = text.indexOf('\n\n');
  const headers = text.slice(0, end < 0 ? undefined : end).split('\n');
  const of = (name: string) =>
    headers.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  return {
    sha,
    tree: of('tree')[0] ?? '',
    parents: of('parent'),
    author: parsePerson(of('author')[0] ?? ''),
    committer: parsePerson(of('committer')[0] ?? ''),
    message: end < 0 ? '' : text.slice(end + 2).replace(/\n$/, ''),
  };
}

export function parsePerson(line: string): Person {
  const [, name = '', email = '', seconds = '0'] = /^(.*?) ?<(.*?)> (-?\d+)/.exec(line) ?? [];
  return { name, email, date: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z') };
}

/** GitHub knows a person by the noreply address `<id>+<login>@users.noreply.github.com`. */
export function emailOf(hub: Hub, login: string): string {
  return `${userShape(hub, login).id}+${login}@users.noreply.github.com`;
}

function accountByEmail(hub: Hub, email: string) {
  const login = /^(?:\d+\+)?(.+)@users\.noreply\.github\.com$/.exec(email)?.[1];
  const account = login && hub.db.find('accounts', (one) => one.login === login);
  return account ? userShape(hub, account.login) : null;
}

export function verificationShape(hub: Hub, sha: string) {
  const verified = hub.db.get('verified', sha) !== undefined;
  return {
    verified,
    reason: verified ? 'valid' : 'unsigned',
    signature: null,
    payload: null,
    verified_at: null,
  };
}

export function gitCommitShape(hub: Hub, repo: Repository, commit: Commit) {
  return {
    sha: commit.sha,
    node_id: `C_${commit.sha}`,
    url: repoUrl(hub, repo, `/git/commits/${commit.sha}`),
    html_url: htmlUrl(hub, repo, `/commit/${commit.sha}`),
    author: commit.author,
    committer: commit.committer,
    tree: { sha: commit.tree, url: repoUrl(hub, repo, `/git/trees/${commit.tree}`) },
    message: commit.message,
    parents: commit.parents.map((sha) => ({
      sha,
      url: repoUrl(hub, repo, `/git/commits/${sha}`),
      html_url: htmlUrl(hub, repo, `/commit/${sha}`),
    })),
    verification: verificationShape(hub, commit.sha),
  };
}

export function commitShape(hub: Hub, repo: Repository, commit: Commit) {
  return {
    sha: commit.sha,
    node_id: `C_${commit.sha}`,
    commit: {
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      tree: { sha: commit.tree, url: repoUrl(hub, repo, `/git/trees/${commit.tree}`) },
      url: repoUrl(hub, repo, `/git/commits/${commit.sha}`),
      comment_count: 0,
      verification: verificationShape(hub, commit.sha),
    },
    url: repoUrl(hub, repo, `/commits/${commit.sha}`),
    html_url: htmlUrl(hub, repo, `/commit/${commit.sha}`),
    comments_url: repoUrl(hub, repo, `/commits/${commit.sha}/comments`),
    author: accountByEmail(hub, commit.author.email),
    committer: accountByEmail(hub, commit.committer.email),
    parents: commit.parents.map((sha) => ({
      sha,
      url: repoUrl(hub, repo, `/commits/${sha}`),
      html_url: htmlUrl(hub, repo, `/commit/${sha}`),
    })),
  };
}

/** A commit as push and workflow_run events carry it. */
export function eventCommit(hub: Hub, repo: Repository, commit: Commit) {
  const person = ({ name, email, date }: Person) => {
    const username = accountByEmail(hub, email)?.login;
    return { name, email, date, ...(username ? { username } : {}) };
  };
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: commit.committer.date,
    url: htmlUrl(hub, repo, `/commit/${commit.sha}`),
    author: person(commit.author),
    committer: person(commit.committer),
  };
}

/** Oldest first, at most `limit`: the commits that `range` names. */
export async function listCommits(git: Git, range: string[], limit = 250): Promise<Commit[]> {
  const out = await git.run(['rev-list', '--topo-order', `--max-count=${limit}`, ...range]);
  if (out.code !== 0) return [];
  const shas = out.stdout.toString().split('\n').filter(Boolean).reverse();
  const commits = await Promise.all(shas.map((sha) => readCommit(git, sha)));
  return commits.filter((commit) => commit !== undefined);
}
