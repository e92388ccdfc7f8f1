import type { PullRequest } from '#lib/github/pulls.ts';
import { modelsTouched } from '#lib/lifecycle/plan-decision.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import { type HoldRecord, holdRecordSchema } from '#lib/lifecycle/records.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type ModelTree, readModel, readPolicy, readTree, type Tree } from './model-tree.ts';
import type { Project } from './project.ts';
import { readRecord, recordPath } from './records.ts';

/** A model as a pull request changes it: in the merge of base and head, and in the base alone. */
export type TouchedModel = { name: string; merged: ModelTree; base: ModelTree | null };

/** The commit that merges base and head, with the base that it was made of: what is judged. */
export type Merge =
  | { state: 'ready'; sha: string; base: string }
  | { state: 'pending' }
  | { state: 'conflict' };

export type PullFacts = {
  pull: PullRequest;
  policy: Policy;
  merge: Merge;
  models: TouchedModel[];
  /** What is wrong with the user's files, a line each. */
  faults: string[];
  touched: string[];
  committers: string[];
  hold: HoldRecord | null;
};

/** Reads what a decision about a pull request needs. The policy is the base's; the files are the merge's. */
export async function readPullFacts(project: Project, pull: PullRequest): Promise<PullFacts> {
  const { forge, state } = project;
  const base = await readTree(
    forge.trees,
    (await forge.trees.ref(`heads/${pull.base.ref}`)) ?? pull.base.sha,
  );
  const { policy, text } = await readPolicy(base);
  project.setPace(policy.pace.batch_seconds);
  const touched = modelsTouched(await forge.pulls.paths(pull.number));
  const merge = await readMerge(project, pull);
  const { models, faults } =
    merge.state === 'ready' && touched.length > 0
      ? await readTouched({ project, touched, base, merge: merge.sha, policyText: text })
      : { models: [], faults: [] };
  const committers = (await forge.pulls.committers(pull.number)).filter((login) => login !== project.bot);
  const hold = await readRecord(state, recordPath.hold(pull.number), holdRecordSchema);
  return { pull, policy, merge, models, faults, touched, committers, hold: hold?.held ? hold : null };
}

/** GitHub makes the merge a little after the head; on a conflict it leaves the one of an older head. */
async function readMerge({ forge }: Project, pull: PullRequest): Promise<Merge> {
  if (pull.mergeable === false) return { state: 'conflict' };
  const sha = await forge.trees.ref(`pull/${pull.number}/merge`);
  if (sha === null) return { state: pull.mergeable === null ? 'pending' : 'conflict' };
  const [base, head] = (await forge.trees.commit(sha)).parents;
  return base !== undefined && head === pull.head.sha ? { state: 'ready', sha, base } : { state: 'pending' };
}

async function readTouched({
  project,
  touched,
  base,
  merge,
  policyText,
}: {
  project: Project;
  touched: string[];
  base: Tree;
  merge: string;
  policyText: string;
}): Promise<{ models: TouchedModel[]; faults: string[] }> {
  const tree = await readTree(project.forge.trees, merge);
  const models: TouchedModel[] = [];
  const faults: string[] = [];
  for (const name of touched) {
    if (![...tree.files.keys()].some((path) => path.startsWith(`models/${name}/`))) continue;
    try {
      const merged = await readModel(tree, name, policyText);
      models.push({ name, merged, base: await readBase(base, name, policyText) });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      faults.push(...error.message.split('\n'));
    }
  }
  return { models, faults };
}

/** What the base holds may be broken already: then there is nothing to compare with. */
async function readBase(base: Tree, name: string, policyText: string): Promise<ModelTree | null> {
  if (!base.files.has(`models/${name}/problem.yml`)) return null;
  try {
    return await readModel(base, name, policyText);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
