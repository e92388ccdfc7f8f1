import { parseConfig } from '#lib/formats/config.ts';
import { digestOfJson } from '#lib/formats/digest.ts';
import { policyDigest } from '#lib/formats/digests.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import { modelsTouched } from '#lib/lifecycle/plan-decision.ts';
import type { Policy, Risk } from '#lib/lifecycle/policy.ts';
import { type HoldRecord, holdRecordSchema } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { readRecord, recordPath } from '#lib/records/records.ts';
import { mergeOfBase } from './base-merge.ts';
import { refusalOfMoved } from './forks.ts';
import {
  type ModelTree,
  modelsOf,
  POLICY_FILE,
  readModel,
  readPolicy,
  readTree,
  type Tree,
} from './model-tree.ts';
import { type PullPeople, readPeople } from './people.ts';
import type { Project } from './project.ts';

/** A model as a pull request changes it: in the merge of base and head, and in the base alone. */
export type TouchedModel = { name: string; merged: ModelTree; base: ModelTree | null };
/** A model whose files a pull request deletes. `problem` is what was approved of it. */
export type RemovedModel = { name: string; problem: Digest; risk: Risk };
/** The policy as a pull request would have it. */
export type PolicyChange = { digest: Digest };

/** The commit that merges base and head, with the base that it was made of: what is judged. */
export type Merge = { state: 'ready'; sha: string; base: string } | { state: 'pending' } | Conflict;
/** `files` are for a person; where there are none, `/update` mends it: `regenerated` are Roundhouse's own. */
export type Conflict = { state: 'conflict'; base: string; files: string[]; regenerated: string[] };

export type PullFacts = {
  pull: PullRequest;
  policy: Policy;
  /** The text that the policy was read from: a model's files are checked against it. */
  policyText: string;
  merge: Merge;
  models: TouchedModel[];
  removed: RemovedModel[];
  /** Null where it says the same as the base's, in whatever words. */
  newPolicy: PolicyChange | null;
  /** What is wrong with the user's files, a line each. */
  faults: string[];
  /** Paths that it changes. */
  paths: string[];
  people: PullPeople;
  hold: HoldRecord | null;
};

/** Why nothing of a pull request is run. `isWrong`: somebody has to mend it before it can be merged. */
export type Unplanned = { isWrong: boolean; reason: string; faults: string[] };

/** Reads what a decision about a pull request needs. The policy is the base's; the files are the merge's. */
export async function readPullFacts(project: Project, pull: PullRequest): Promise<PullFacts | Unplanned> {
  const { forge, state } = project;
  const base = await readTree(
    forge.trees,
    (await forge.trees.ref(`heads/${pull.base.ref}`)) ?? pull.base.sha,
  );
  const paths = await forge.pulls.paths(pull.number);
  const folders = modelsTouched(paths);
  const ruled = await orFaults(readPolicy(base));
  if ('faults' in ruled) {
    if (folders.length === 0) return { isWrong: false, reason: 'no model touched', faults: [] };
    return { isWrong: true, reason: `the policy of ${pull.base.ref} cannot be read`, faults: ruled.faults };
  }
  const { policy, text } = ruled.value;
  if (pull.base.ref === project.defaultBranch) project.setPace(policy.pace.batch_seconds);
  const merge = await readMerge(project, pull, base.sha);
  const { models, removed, ...touched } =
    merge.state === 'ready'
      ? await readTouched({ project, folders, merge, policyText: text })
      : { models: [], removed: [], faults: [] };
  const { newPolicy, faults: policyFaults } =
    merge.state === 'ready' && paths.includes(POLICY_FILE)
      ? await readNewPolicy(project, { merge, number: pull.number }, text)
      : { newPolicy: null, faults: [] };
  const faults = [...touched.faults, ...policyFaults];
  const isTouched = folders.length + models.length > 0;
  const refusal = isTouched ? (refusalOfPull(pull) ?? (await refusalOfMoved(project, pull))) : null;
  if (refusal !== null) return { isWrong: true, reason: refusal, faults: [] };
  const people = await readPeople(project, pull);
  const hold = await readRecord(state, recordPath.hold(pull.number), holdRecordSchema);
  const held = hold?.held ? hold : null;
  return {
    ...{ pull, policy, policyText: text, merge, models, removed, newPolicy, faults, paths, people },
    hold: held,
  };
}

/** Why nothing of a pull request is run. The code of a fork would meet a runner that nobody allowed it. */
export function refusalOfPull({ head }: Pick<PullRequest, 'head'>): string | null {
  if (head.same_repository) return null;
  return `the code of a fork runs once it was read: \`/ok-to-train ${head.sha}\` lets this commit in`;
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
  const { conflicts, regenerated } = await mergeOfBase(forge.trees, { head: pull.head.sha, base });
  return { state: 'conflict', base, files: conflicts, regenerated };
}

/** Models whose folder changes, and models whose code digest does: `code:` globs and package locks lie outside. */
async function readTouched({
  project,
  folders,
  merge,
  policyText,
}: {
  project: Project;
  folders: string[];
  merge: Extract<Merge, { state: 'ready' }>;
  policyText: string;
}): Promise<Pick<PullFacts, 'models' | 'removed' | 'faults'>> {
  const { trees } = project.forge;
  const [before, after] = [await readTree(trees, merge.base), await readTree(trees, merge.sha)];
  const found: Pick<PullFacts, 'models' | 'removed' | 'faults'> = { models: [], removed: [], faults: [] };
  for (const name of [...new Set([...folders, ...modelsOf(after)])].sort()) {
    const base = await readBase(before, name, policyText);
    if (![...after.files.keys()].some((path) => path.startsWith(`models/${name}/`))) {
      if (base) found.removed.push({ name, problem: base.digests.problem, risk: base.problem.risk });
      continue;
    }
    const read = await orFaults(readModel(after, name, policyText));
    const isInside = folders.includes(name);
    // What is broken on the base already, and not changed here, is not this pull request's to mend.
    if ('faults' in read) found.faults.push(...(isInside ? read.faults : []));
    else if (isInside || base?.digests.code !== read.value.digests.code) {
      found.models.push({ name, merged: read.value, base });
    }
  }
  return found;
}

/** A policy that can't be read, or that a model disagrees with, would stop everything once it is merged. */
async function readNewPolicy(
  { forge: { trees } }: Project,
  { merge, number }: { merge: Extract<Merge, { state: 'ready' }>; number: number },
  baseText: string,
): Promise<Pick<PullFacts, 'newPolicy' | 'faults'>> {
  const after = await readTree(trees, merge.sha);
  const read = await orFaults(readPolicy(after));
  if ('faults' in read) return { newPolicy: null, faults: read.faults };
  const { policy, text } = read.value;
  const faults: string[] = [];
  for (const name of modelsOf(after)) {
    const model = await orFaults(readModel(after, name, text));
    const isBroken = 'faults' in (await orFaults(readModel(after, name, baseText)));
    if ('faults' in model && !isBroken) faults.push(...model.faults);
  }
  const from = policyDigest(parseConfig('policy', { file: POLICY_FILE, text: baseText }));
  const to = policyDigest(policy);
  // A step from one policy to another, once: what was approved before doesn't bring an old policy back.
  const digest = digestOfJson({ v: 2, from, to, pull_request: number });
  return { newPolicy: from === to ? null : { digest }, faults };
}

/** What the base holds may be broken already: then there is nothing to compare with. */
async function readBase(base: Tree, name: string, policyText: string): Promise<ModelTree | null> {
  if (!base.files.has(`models/${name}/problem.yml`)) return null;
  const read = await orFaults(readModel(base, name, policyText));
  return 'faults' in read ? null : read.value;
}

/** The user's mistakes as values, a line each; a fault of ours stays an error. */
async function orFaults<Value>(reading: Promise<Value>): Promise<{ value: Value } | { faults: string[] }> {
  try {
    return { value: await reading };
  } catch (error) {
    if (error instanceof UserError) return { faults: error.message.split('\n') };
    throw error;
  }
}
