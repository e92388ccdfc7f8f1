import { createHash } from 'node:crypto';
import { orNull, type Repository, statusOf } from './repository.ts';

export type TreeEntry = { path: string; sha: string; size: number };
/** `text: null` removes the path; `blob` names content that the repository has already. */
export type Change = { path: string; text: string | null } | { path: string; blob: string };
export type Commit = { sha: string; tree: string; parents: string[]; message: string };

const CACHED_OBJECTS = 4000;

export type Trees = ReturnType<typeof trees>;

/** Git data: refs, commits, trees and blobs. Objects never change, so what was read once is kept. */
export function trees({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
  const blobs = cache<string>();
  const listings = cache<TreeEntry[]>();
  const commits = cache<Commit>();

  async function ref(name: string): Promise<string | null> {
    const answer = await orNull(octokit.rest.git.getRef({ ...at, ref: name }));
    return answer?.data.object.sha ?? null;
  }

  async function commit(sha: string): Promise<Commit> {
    return commits.get(sha, async () => {
      const { data } = await octokit.rest.git.getCommit({ ...at, commit_sha: sha });
      return {
        sha: data.sha,
        tree: data.tree.sha,
        parents: data.parents.map((parent) => parent.sha),
        message: data.message,
      };
    });
  }

  /** What was just written is known: it needn't be read again. */
  function remember(made: Commit, changes: Change[]): void {
    commits.put(made.sha, made);
    const [parent] = made.parents;
    const before = parent === undefined ? [] : listings.known(parent);
    if (!before || changes.some((change) => 'blob' in change)) return;
    const entries = new Map(before.map((entry) => [entry.path, entry]));
    for (const change of changes) {
      entries.delete(change.path);
      if ('blob' in change || change.text === null) continue;
      const { path, text } = change;
      const sha = blobId(text);
      entries.set(path, { path, sha, size: Buffer.byteLength(text) });
      blobs.put(sha, text);
    }
    listings.put(made.sha, [...entries.values()]);
  }

  return {
    ref,
    commit,
    /** Files below a commit or tree, by path. */
    async files(sha: string): Promise<TreeEntry[]> {
      return listings.get(sha, async () => {
        const { data } = await octokit.rest.git.getTree({ ...at, tree_sha: sha, recursive: '1' });
        if (data.truncated) throw new Error(`the tree ${sha} is too large for one listing`);
        return data.tree
          .filter((entry) => entry.type === 'blob')
          .map((entry) => ({ path: entry.path ?? '', sha: entry.sha ?? '', size: entry.size ?? 0 }));
      });
    },
    async text(blob: string): Promise<string> {
      return blobs.get(blob, async () => {
        const { data } = await octokit.rest.git.getBlob({ ...at, file_sha: blob });
        return Buffer.from(data.content, 'base64').toString('utf8');
      });
    },
    /** Whether a commit is the other or one of its ancestors. */
    async contains(descendant: string, ancestor: string): Promise<boolean> {
      const basehead = `${descendant}...${ancestor}`;
      const { data } = await octokit.rest.repos.compareCommitsWithBasehead({ ...at, basehead, per_page: 1 });
      return data.ahead_by === 0;
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
      const parents = parent === null ? [] : [parent];
      const base = parent === null ? {} : { base_tree: (await commit(parent)).tree };
      const tree = await octokit.rest.git.createTree({
        ...at,
        ...base,
        tree: changes.map((change) => ({
          path: change.path,
          mode: '100644' as const,
          type: 'blob' as const,
          ...('blob' in change
            ? { sha: change.blob }
            : change.text === null
              ? { sha: null }
              : { content: change.text }),
        })),
      });
      const made = await octokit.rest.git.createCommit({
        ...at,
        message,
        tree: tree.data.sha,
        parents,
      });
      remember({ sha: made.data.sha, tree: tree.data.sha, parents, message }, changes);
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
    /** A ref that is gone already is as good as removed. */
    async removeRef(name: string): Promise<void> {
      try {
        await octokit.rest.git.deleteRef({ ...at, ref: name });
      } catch (error) {
        if (statusOf(error) !== 404 && (await ref(name)) !== null) throw error;
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

/** git's own name of a blob with this text. */
function blobId(text: string): string {
  const bytes = Buffer.from(text);
  return createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
}

/** Remembers what never changes, by key; the oldest go first. */
function cache<Value>() {
  const kept = new Map<string, Value>();
  const put = (key: string, value: Value) => {
    kept.set(key, value);
    const oldest = kept.keys().next();
    if (kept.size > CACHED_OBJECTS && !oldest.done) kept.delete(oldest.value);
  };
  return {
    put,
    known: (key: string): Value | undefined => kept.get(key),
    async get(key: string, load: () => Promise<Value>): Promise<Value> {
      const known = kept.get(key);
      if (known !== undefined) return known;
      const value = await load();
      put(key, value);
      return value;
    },
  };
}
