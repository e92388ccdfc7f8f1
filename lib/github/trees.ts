import { orNull, type Repository, statusOf } from './repository.ts';

export type TreeEntry = { path: string; sha: string; size: number };
/** `text: null` removes the path. */
export type Change = { path: string; text: string | null };
export type Commit = { sha: string; tree: string; parents: string[]; message: string };

const CACHED_OBJECTS = 4000;

export type Trees = ReturnType<typeof trees>;

/** Git data: refs, commits, trees and blobs. Objects never change, so what was read once is kept. */
export function trees({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
  const blobs = cache<string>();
  const listings = cache<TreeEntry[]>();

  async function ref(name: string): Promise<string | null> {
    const answer = await orNull(octokit.rest.git.getRef({ ...at, ref: name }));
    return answer?.data.object.sha ?? null;
  }

  async function commit(sha: string): Promise<Commit> {
    const { data } = await octokit.rest.git.getCommit({ ...at, commit_sha: sha });
    return {
      sha: data.sha,
      tree: data.tree.sha,
      parents: data.parents.map((parent) => parent.sha),
      message: data.message,
    };
  }

  return {
    ref,
    commit,
    /** Files below a commit or tree, by path. */
    async files(sha: string): Promise<TreeEntry[]> {
      return listings(sha, async () => {
        const { data } = await octokit.rest.git.getTree({ ...at, tree_sha: sha, recursive: '1' });
        if (data.truncated) throw new Error(`the tree ${sha} is too large for one listing`);
        return data.tree
          .filter((entry) => entry.type === 'blob')
          .map((entry) => ({ path: entry.path ?? '', sha: entry.sha ?? '', size: entry.size ?? 0 }));
      });
    },
    async text(blob: string): Promise<string> {
      return blobs(blob, async () => {
        const { data } = await octokit.rest.git.getBlob({ ...at, file_sha: blob });
        return Buffer.from(data.content, 'base64').toString('utf8');
      });
    },
    /**
     * One commit by the API, without author, so that GitHub signs it as the app's. `parent: null` makes an
     * orphan. Nothing points at it until a ref is moved.
     */
    async write({
      parent,
      message,
      changes,
    }: {
      parent: string | null;
      message: string;
      changes: Change[];
    }): Promise<string> {
      const base = parent === null ? {} : { base_tree: (await commit(parent)).tree };
      const tree = await octokit.rest.git.createTree({
        ...at,
        ...base,
        tree: changes.map(({ path, text }) => ({
          path,
          mode: '100644' as const,
          type: 'blob' as const,
          ...(text === null ? { sha: null } : { content: text }),
        })),
      });
      const made = await octokit.rest.git.createCommit({
        ...at,
        message,
        tree: tree.data.sha,
        parents: parent === null ? [] : [parent],
      });
      return made.data.sha;
    },
    /** Atomic: false when the ref exists already. GitHub has one status for that and for a name it can't have. */
    async createRef(name: string, sha: string): Promise<boolean> {
      try {
        await octokit.rest.git.createRef({ ...at, ref: `refs/${name}`, sha });
        return true;
      } catch (error) {
        if (statusOf(error) === 422 && (await ref(name)) !== null) return false;
        throw error;
      }
    },
    /** Compare and swap: false when the ref has moved so that this is no fast-forward. */
    async moveRef(name: string, sha: string): Promise<boolean> {
      try {
        await octokit.rest.git.updateRef({ ...at, ref: name, sha, force: false });
        return true;
      } catch (error) {
        if (statusOf(error) === 422) return false;
        throw error;
      }
    },
  };
}

/** Remembers answers by key; the oldest go first. */
function cache<Value>(): (key: string, load: () => Promise<Value>) => Promise<Value> {
  const kept = new Map<string, Value>();
  return async (key, load) => {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const value = await load();
    kept.set(key, value);
    const oldest = kept.keys().next();
    if (kept.size > CACHED_OBJECTS && !oldest.done) kept.delete(oldest.value);
    return value;
  };
}
