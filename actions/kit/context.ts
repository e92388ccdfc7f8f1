import { type JobPlan, jobPlanSchema } from '#lib/lifecycle/plan.ts';
import { type Digest, digestSchema } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { Store } from '#lib/store/store.ts';
import type { OpenDeps } from './deps.ts';
import { type EvidenceFolder, openEvidenceFolder } from './evidence-folder.ts';
import { chooseModel } from './model-folder.ts';

/** What a stage's wiring is given, by an Action step and by the terminal alike. */
export type StageContext = {
  model: string;
  /** What the app asked for; null in a plain checkout. */
  plan: { digest: Digest; value: JobPlan } | null;
  /** Text of an option or Action input; '' when it was not given. */
  option(name: string): string;
  deps: OpenDeps;
  evidence: EvidenceFolder;
};

export async function openContext({
  option,
  deps,
}: {
  option: (name: string) => string;
  deps: OpenDeps;
}): Promise<StageContext> {
  const planOption = option('plan');
  const plan = planOption === '' ? null : await readPlan(deps.store, planOption);
  const model = plan?.value.model ?? chooseModel(deps.workspace, option('model'));
  return { model, plan, option, deps, evidence: openEvidenceFolder(deps.workspace, model) };
}

/** A plan by its digest, verified and parsed. */
export async function readPlan(store: Store, text: string): Promise<{ digest: Digest; value: JobPlan }> {
  const digest = digestSchema.safeParse(text.startsWith('sha256:') ? text : `sha256:${text}`);
  if (!digest.success) {
    throw new UserError(`"${text}" is no digest of a plan`, {
      fix: 'plans are dispatched by the app; leave the input empty to run without one',
    });
  }
  const bytes = await store.get(digest.data);
  return { digest: digest.data, value: jobPlanSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))) };
}
