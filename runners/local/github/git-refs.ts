import type { Git } from './git.ts';

export const ZERO = '0'.repeat(40);

/** A ref before and after; forty zeros where it is not. */
export type RefUpdate = { ref: string; before: string; after: string };

/** Compare-and-swap: false when the ref is no longer at `before`. */
export async function swapRef(git: Git, { ref, before, after }: RefUpdate): Promise<boolean> {
  const args = after === ZERO ? ['update-ref', '-d', ref, before] : ['update-ref', ref, after, before];
  return (await git.run(args)).code === 0;
}

export async function refSha(git: Git, ref: string): Promise<string | undefined> {
  return (await git.info(ref))?.oid;
}

export async function listRefs(
  git: Git,
  prefix: string,
): Promise<{ ref: string; sha: string; type: string }[]> {
  const out = await git.text(['for-each-ref', '--format=%(objectname) %(objecttype) %(refname)', prefix]);
  return out
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [sha = '', type = '', ...ref] = line.split(' ');
      return { ref: ref.join(' '), sha, type };
    });
}

/** The tree id of `.github/workflows` at a commit, undefined where it has none. */
async function workflowsTree(git: Git, commit: string): Promise<string | undefined> {
  return (await git.info(`${commit}:.github/workflows`))?.oid;
}

/**
 * Whether a ref at `sha` needs the permission `workflows`: its workflow files differ from
 * those of every branch head.
 */
export async function changesWorkflows(git: Git, sha: string): Promise<boolean> {
  const tree = await workflowsTree(git, sha);
  if (!tree) return false;
  const heads = await listRefs(git, 'refs/heads');
  const known = await Promise.all(heads.map((head) => workflowsTree(git, head.sha)));
  return !known.includes(tree);
}
