import type { PullRequest } from '#lib/github/pulls.ts';
import { modelsTouched } from '#lib/lifecycle/plan-decision.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import { type HoldRecord, holdRecordSchema } from '#lib/lifecycle/records.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { causersOf } from './causers.ts';
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
  /** People who caused the candidate, and the authors of the issues that asked for changed problems. */
  causers: { candidate: string[]; problem: string[] };
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
  const merge = await readMerge(project, pull, base.sha);
  const refusal = touched.length > 0 ? refusalOfPull(pull) : null;
  const { models, faults } =
    merge.state === 'ready' && touched.length > 0 && refusal === null
      ? await readTouched({ project, touched, base, merge: merge.sha, policyText: text })
      : { models: [], faults: refusal === null ? [] : [refusal] };
  const committers = (await forge.pulls.committers(pull.number)).filter((login) => login !== project.bot);
  const causers = {
    candidate: await causersOf(project, pull),
    problem: await issueAuthors(project, models),
  };
  const hold = await readRecord(state, recordPath.hold(pull.number), holdRecordSchema);
  return {
    pull,
    policy,
    merge,
    models,
    faults,
    touched,
    committers,
    causers,
    hold: hold?.held ? hold : null,
  };
}

/** Why nothing of a pull request is run. The code of a fork would meet a runner that nobody allowed it. */
export function refusalOfPull({ head }: Pick<PullRequest, 'head'>): string | null {
  if (head.same_repository) return null;
  return 'pull requests from forks are not built yet: push the branch to this repository';
}

async function issueAuthors({ forge, bot }: Project, models: TouchedModel[]): Promise<string[]> {
  const authors: string[] = [];
  for (const { merged, base } of models) {
    if (merged.problem.issue === 0 || base?.digests.problem === merged.digests.problem) continue;
    const issue = await forge.issues.get(merged.problem.issue);
    if (issue && issue.author.login !== bot) authors.push(issue.author.login);
  }
  return authors;
}

/**
 * GitHub makes the merge a little after the head; on a conflict it leaves the one of an older head. A head that
 * the base holds already is no conflict: it is being merged, and the pull request is about to close.
 */
async function readMerge({ forge }: Project, pull: PullRequest, base: string): Promise<Merge> {
  const sha = pull.mergeable === false ? null : await forge.trees.ref(`pull/${pull.number}/merge`);
  if (sha !== null) {
    const [first, second] = (await forge.trees.commit(sha)).parents;
    const isOfHead = first !== undefined && second === pull.head.sha;
    return isOfHead ? { state: 'ready', sha, base: first } : { state: 'pending' };
  }
  if (pull.mergeable === null || (await forge.trees.contains(base, pull.head.sha)))
    return { state: 'pending' };
  return { state: 'conflict' };
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
