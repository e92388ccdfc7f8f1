import type { Policy } from '#lib/lifecycle/policy.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type ModelTree, modelsOf, readModel, readPolicy, readTree, type Tree } from './model-tree.ts';
import type { Project } from './project.ts';

/** The default branch as it is now: its policy and its models. */
export type MainTree = { head: string; tree: Tree; policy: Policy; models: ModelTree[] };

/** Null where there is no default branch yet, or no policy on it: then Roundhouse isn't set up here. */
export async function readMain(project: Project): Promise<MainTree | null> {
  const { forge, defaultBranch, log } = project;
  const head = await forge.trees.ref(`heads/${defaultBranch}`);
  if (head === null) return null;
  const tree = await readTree(forge.trees, head);
  const models: ModelTree[] = [];
  try {
    const { policy, text } = await readPolicy(tree);
    project.setPace(policy.pace.batch_seconds);
    for (const name of modelsOf(tree)) models.push(await readModel(tree, name, text));
    return { head, tree, policy, models };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    log.warn({ repository: `${project.owner}/${project.repo}`, error }, 'the default branch is not usable');
    return null;
  }
}
