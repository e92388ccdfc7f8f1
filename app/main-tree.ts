import type { Policy } from '#lib/lifecycle/policy.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type ModelTree, modelsOf, readModel, readPolicy, readTree, type Tree } from './model-tree.ts';
import type { Project } from './project.ts';

/** The default branch as it is now: its policy, and those of its models that can be read. */
export type MainTree = { head: string; tree: Tree; policy: Policy; models: ModelTree[] };

/**
 * Null where there is no default branch yet, or no policy on it: then Roundhouse isn't set up here. A model that
 * cannot be read is left out: what serves stays, and the others go on.
 */
export async function readMain(project: Project): Promise<MainTree | null> {
  const { forge, defaultBranch } = project;
  const head = await forge.trees.ref(`heads/${defaultBranch}`);
  if (head === null) return null;
  const tree = await readTree(forge.trees, head);
  const ruled = await orWarned(project, readPolicy(tree));
  if (ruled === null) return null;
  const { policy, text } = ruled;
  project.setPace(policy.pace.batch_seconds);
  const models: ModelTree[] = [];
  for (const name of modelsOf(tree)) {
    const model = await orWarned(project, readModel(tree, name, text));
    if (model !== null) models.push(model);
  }
  return { head, tree, policy, models };
}

/** The user's mistakes on the default branch are told in the log; the next pull request there shows them. */
async function orWarned<Value>(
  { owner, repo, log }: Project,
  reading: Promise<Value>,
): Promise<Value | null> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    log.warn({ repository: `${owner}/${repo}`, error }, 'the default branch cannot be read');
    return null;
  }
}
