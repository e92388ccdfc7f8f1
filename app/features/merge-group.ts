import type { MergeGroupFacts } from '#lib/github/facts.ts';
import { modelsTouched } from '#lib/lifecycle/plan-decision.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { allOf } from '../all-of.ts';
import { decideGroup, type GroupFacts } from '../group-decision.ts';
import { readModel, readPolicy, readTree, type Tree } from '../model-tree.ts';
import type { On } from '../on.ts';
import type { Project } from '../project.ts';
import type { PullFacts, TouchedModel } from '../pull-facts.ts';
import { checksOf, unplannedChecks } from './gate.ts';
import { syncPullRequest } from './pull-request.ts';
import { postChecks } from './pull-request-show.ts';

const QUEUE = 'heads/gh-readonly-queue/';
/** A pull request has at most 250 commits; one that is rebased in the queue has as many there. */
const MOST_COMMITS = 250;

export function mergeGroup(on: On): void {
  on({
    events: ['merge_group.checks_requested'],
    kind: 'merge-group',
    key: ({ group }) => `group:${group.head}`,
    handle: (project, { group }) => syncMergeGroup(project, group),
  });
}

/** Groups whose event was lost, and those whose pull request is judged otherwise now. */
export async function syncMergeGroups(project: Project): Promise<void> {
  const refs = await project.forge.trees.refs(QUEUE);
  const heads = refs.map(({ sha }) => sha);
  await allOf(
    refs.map(({ name, sha }) => async () => {
      const base = await baseOf(project, sha, heads);
      if (base !== null) await syncMergeGroup(project, { head: sha, head_ref: `refs/${name}`, base });
    }),
  );
}

/** The commit that a group was built on: the tip of the branch, or the group in front of it. */
async function baseOf(
  { forge, defaultBranch }: Project,
  head: string,
  heads: string[],
): Promise<string | null> {
  const tip = await forge.trees.ref(`heads/${defaultBranch}`);
  let at: string | null = head;
  for (let count = 0; count <= MOST_COMMITS && at !== null; count += 1) {
    at = (await forge.trees.commit(at)).parents[0] ?? null;
    if (at !== null && (at === tip || heads.includes(at))) return at;
  }
  return null;
}

/** The gate of one group. A group that was dissolved has no branch any more, and is left alone. */
export async function syncMergeGroup(project: Project, group: MergeGroupFacts): Promise<void> {
  const { forge } = project;
  const number = Number(/\/pr-(\d+)-[0-9a-f]{40}$/.exec(group.head_ref)?.[1] ?? 0);
  if ((await forge.trees.ref(group.head_ref.replace(/^refs\//, ''))) !== group.head) return;
  const state = await syncPullRequest(project, number);
  const pull = await forge.pulls.get(number);
  if (pull === null) return;
  const posted = await forge.checks.list(pull.head.sha);
  const gate = posted.find(({ name }) => name === 'roundhouse/gate') ?? null;
  const models = state === null ? [] : await readGroupModels(project, group, state.facts);
  const findings = unplannedChecks({ ...decideGroup({ gate, models }), faults: [] });
  await postChecks(project, group.head, checksOf(findings, { details_url: pull.url, external_id: null }));
}

async function readGroupModels(
  { forge: { trees } }: Project,
  { head, base }: MergeGroupFacts,
  facts: PullFacts,
): Promise<GroupFacts['models']> {
  const tip = await trees.ref(`heads/${facts.pull.base.ref}`);
  const [tipTree, before, after] = [
    await readTree(trees, tip ?? base),
    await readTree(trees, base),
    await readTree(trees, head),
  ];
  const ahead = modelsTouched(changedPaths(tipTree, before));
  const found: GroupFacts['models'] = facts.removed.map(({ name }) => ({
    model: name,
    isAhead: ahead.includes(name),
    differs: [],
  }));
  for (const model of facts.models) {
    const differs = await differences(model, { before, after });
    found.push({ model: model.name, isAhead: ahead.includes(model.name), differs });
  }
  return found;
}

function changedPaths(a: Tree, b: Tree): string[] {
  const paths = new Set([...a.files.keys(), ...b.files.keys()]);
  return [...paths].filter((path) => a.files.get(path)?.sha !== b.files.get(path)?.sha);
}

/** What of a model is another in the group than in the merge that was judged; the policy is that of what lies ahead. */
export async function differences(
  { name, merged }: Pick<TouchedModel, 'name' | 'merged'>,
  { before, after }: { before: Tree; after: Tree },
): Promise<string[]> {
  try {
    const found = await readModel(after, name, (await readPolicy(before)).text);
    const keys = ['code', 'config', 'gates', 'problem', 'policy'] as const;
    const differs: string[] = keys.filter((key) => found.digests[key] !== merged.digests[key]);
    const sameLock = found.locks?.model.candidate === merged.locks?.model.candidate;
    return sameLock ? differs : [...differs, 'model.lock'];
  } catch (error) {
    if (error instanceof UserError) return ['the files'];
    throw error;
  }
}
