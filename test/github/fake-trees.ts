import { createHash } from 'node:crypto';
import type { Change, Commit, TreeEntry, Trees } from '#lib/github/trees.ts';

/** Git data in memory with GitHub's rules for refs: creating one that exists and moving one sideways fail. */
export function fakeTrees() {
  const refs = new Map<string, string>();
  const commits = new Map<string, Commit & { files: Map<string, string> }>();
  const blobs = new Map<string, string>();
  let count = 0;
  const hash = (value: string) => createHash('sha1').update(value).digest('hex');

  function descends(sha: string, from: string): boolean {
    if (sha === from) return true;
    return commits.get(sha)?.parents.some((parent) => descends(parent, from)) ?? false;
  }

  const trees: Trees = {
    ref: async (name) => refs.get(name) ?? null,
    refs: async (prefix) =>
      [...refs].flatMap(([name, sha]) => (name.startsWith(prefix) ? [{ name, sha }] : [])),
    commit: async (sha) => {
      const found = commits.get(sha);
      if (!found) throw new Error(`no commit ${sha}`);
      return found;
    },
    files: async (sha): Promise<TreeEntry[]> =>
      [...(commits.get(sha)?.files ?? [])].map(([path, text]) => ({
        path,
        sha: hash(text),
        size: text.length,
        mode: '100644',
      })),
    text: async (blob) => blobs.get(blob) ?? '',
    write: async ({ parent, merged = null, onto = parent, message, changes }) => {
      const files = new Map(onto === null ? [] : commits.get(onto)?.files);
      for (const change of changes as Change[]) {
        const text = 'blob' in change ? (blobs.get(change.blob) ?? '') : change.text;
        if (text === null) files.delete(change.path);
        else {
          files.set(change.path, text);
          blobs.set(hash(text), text);
        }
      }
      count += 1;
      const sha = hash(`commit ${count}`);
      const parents = [parent, merged].filter((known) => known !== null);
      commits.set(sha, { sha, tree: sha, parents, message, files });
      return sha;
    },
    mergeBase: async (a, b) => {
      const found = [...commits.keys()].findLast((sha) => descends(a, sha) && descends(b, sha));
      if (!found) throw new Error(`${a} and ${b} have no common commit`);
      return found;
    },
    contains: async (descendant, ancestor) => descends(descendant, ancestor),
    createRef: async (name, sha) => {
      if (refs.has(name)) return false;
      refs.set(name, sha);
      return true;
    },
    removeRef: async (name) => {
      refs.delete(name);
    },
    moveRef: async (name, sha) => {
      const now = refs.get(name);
      if (now === undefined || !descends(sha, now)) return false;
      refs.set(name, sha);
      return true;
    },
  };
  return { trees, refs, commits, history: () => [...commits.values()] };
}
