import type { Git } from './git.ts';
import { timestamp } from './hub.ts';
import type { Person } from './shapes/commit.ts';

/** GitHub's own signature under commits that it makes itself. */
export function webFlow(): Person {
  return { name: 'GitHub', email: 'noreply@github.com', date: timestamp() };
}

/** The tree of a three-way merge, or undefined on a conflict (or where there is no common ancestor). */
export async function mergeTree(git: Git, base: string, head: string): Promise<string | undefined> {
  const result = await git.run(['merge-tree', '--write-tree', '--no-messages', base, head]);
  return result.code === 0 ? result.stdout.toString().trim() : undefined;
}

export async function writeCommit(
  git: Git,
  commit: { tree: string; parents: string[]; message: string; author: Person; committer: Person },
): Promise<string> {
  const line = ({ name, email, date }: Person) =>
    `${clean(name)} <${clean(email)}> ${Math.floor(Date.parse(date) / 1000)} +0000`;
  const text = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${line(commit.author)}`,
    `committer ${line(commit.committer)}`,
    '',
    commit.message,
  ].join('\n');
  return git.text(['hash-object', '-t', 'commit', '-w', '--stdin'], { input: text });
}

/** Names and addresses must not end their line or their brackets. */
function clean(text: string): string {
  return text.replace(/[<>\n\r\0]/g, '').trim() || 'unknown';
}

export async function isAncestor(git: Git, older: string, newer: string): Promise<boolean> {
  return (await git.run(['merge-base', '--is-ancestor', older, newer])).code === 0;
}
