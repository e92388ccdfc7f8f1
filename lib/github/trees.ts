import { createHash } from 'node:crypto';
import { orNull, type Repository, statusOf } from './repository.ts';

export type TreeEntry = { path: string; sha: string; size: number; mode: string };
/** `text: null` removes the path; `blob` names content that the repository has already. */
export type Change = { path: string; text: string | null } | { path: string; blob: string; mode?: string };
export type Commit = { sha: string; tree: string; parents: string[]; message: string };

const CACHED_OBJECTS = 4000;
/** git's mode of a file that is neither executable nor a link. */
const PLAIN = '100644';

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
      entries.set(path, { path, sha, size: Buffer.byteLength(text), mode: PLAIN });
      blobs.put(sha, text);
    }
    listings.put(made.sha, [...entries.values()]);
  }

  /** A tree without changes is there already: GitHub refuses to make it of nothing. */
  async function writeTree(onto: string | null, changes: Change[]): Promise<string> {
    const base = onto === null ? null : (await commit(onto)).tree;
    if (base !== null && changes.length === 0) return base;
    const { data } = await octokit.rest.git.createTree({
      ...at,
      ...(base === null ? {} : { base_tree: base }),
      tree: changes.map((change) => ({
        path: change.path,
        mode: ('blob' in change ? (change.mode ?? PLAIN) : PLAIN) as '100644',
        type: 'blob' as const,
        ...('blob' in change
          ? { sha: change.blob }
          : change.text === null
            ? { sha: null }
            : { content: change.text }),
      })),
    });
    return data.sha;
  }

  return {
    ref,
    commit,
    /** Refs whose name, without `refs/`, begins like this. */
    async refs(prefix: string): Promise<{ name: string; sha: string }[]> {
      const found = await octokit.paginate(octokit.rest.git.listMatchingRefs, {
        ...at,
        ref: prefix,
        per_page: 100,
      });
      return found.map(({ ref: name, object }) => ({ name: name.replace(/^refs\//, ''), sha: object.sha }));
    },
    /** Files below a commit or tree, by path. */
    async files(sha: string): Promise<TreeEntry[]> {
      return listings.get(sha, async () => {
        const { data } = await octokit.rest.git.getTree({ ...at, tree_sha: sha, recursive: '1' });
        if (data.truncated) throw new Error(`the tree ${sha} is too large for one listing`);
        return data.tree
          .filter((entry) => entry.type === 'blob')
          .map(({ path = '', sha = '', size = 0, mode = PLAIN }) => ({ path, sha: sha ?? '', size, mode }));
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
    /** The newest commit that both have. */
    async mergeBase(a: string, b: string): Promise<string> {
      const basehead = `${a}...${b}`;
      const { data } = await octokit.rest.repos.compareCommitsWithBasehead({ ...at, basehead, per_page: 1 });
      return data.merge_base_commit.sha;
    },
    /**
     * One commit by the API, without author, so that GitHub signs it as the app's. `parent: null` makes an
     * orphan, `merged` a merge with a second parent; `onto` is the commit whose tree is changed, where that isn't
     * the parent's. Nothing points at it until a ref is moved.
     */
    async write({
      parent,
      merged = null,
      onto = parent,
      message,
      changes,
    }: {
      parent: string | null;
      merged?: string | null;
      onto?: string | null;
      message: string;
      changes: Change[];
    }): Promise<string> {
      const parents = [parent, merged].filter((sha) => sha !== null);
      const tree = await writeTree(onto, changes);
      const made = await octokit.rest.git.createCommit({ ...at, message, tree, parents });
      if (onto === parent) remember({ sha: made.data.sha, tree, parents, message }, changes);
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
