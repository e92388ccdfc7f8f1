import { jobPlanSchema } from '#lib/lifecycle/plan.ts';
import type { PlanFacts } from '#lib/lifecycle/plan-decision.ts';
import type { EvaluateRecord } from '#lib/lifecycle/records.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { readModel, readTree } from './model-tree.ts';
import { trainKey } from './stage-orders.ts';
import { isAsked } from './stage-run.ts';
import type { Work } from './standing.ts';

/**
 * Why a pull request is planned, read from what there is and not from what happened last, so that it is the same
 * after a crash: the base moved under it where its locks were judged, its own files are those that were judged,
 * and yet the merge has other inputs. Where a person asked for these inputs, it is for the head.
 */
export async function causeOf(work: Work): Promise<PlanFacts['cause']> {
  const { project, facts, model, again } = work;
  const { digests, locks } = model.merged;
  const lock = locks?.model;
  if (again || facts.merge.state !== 'ready' || !lock) return 'head';
  if (lock.candidate === model.base?.locks?.model.candidate) return 'head';
  if (lock.code === digests.code && lock.config === digests.config) return 'head';
  const judged = work.runs.findLast(
    (run): run is EvaluateRecord => run.stage === 'evaluate' && run.candidate === lock.candidate,
  );
  if (judged?.pull_request !== facts.pull.number) return 'head';
  if (await project.forge.trees.contains(facts.pull.head.sha, facts.merge.base)) return 'head';
  if (await isAsked(project, trainKey(work))) return 'head';
  const plan = jobPlanSchema.parse(JSON.parse(Buffer.from(await work.store.get(judged.plan)).toString()));
  const [then, now] = [await ownInputs(work, plan.head), await ownInputs(work, facts.pull.head.sha)];
  return then !== null && then === now ? 'base' : 'head';
}

/** What the branch alone says, without its base; null = it can't be read. */
async function ownInputs({ project, facts, model }: Work, sha: string): Promise<string | null> {
  try {
    const { digests } = await readModel(
      await readTree(project.forge.trees, sha),
      model.name,
      facts.policyText,
    );
    return `${digests.code} ${digests.config}`;
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
