import { digestOfJson } from '#lib/formats/digest.ts';
import type { JobPlan } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { StageContext } from './context.ts';
import { loadModelFolder, type ModelFolder } from './model-folder.ts';

export type StageInputs = { data: Digest; train(index: number): Digest; evaluate: Digest };

/** Digests of what each stage is given: evidence that was made from other inputs does not count. */
export function stageInputs({ data: config, problem }: ModelFolder, plan: JobPlan): StageInputs {
  const data = digestOfJson({
    stage: 'data',
    data: config,
    code: plan.digests.code,
    task: problem.task,
    min_rows: problem.data.min_rows,
    champion: plan.champion?.candidate ?? null,
  });
  return {
    data,
    train: (index) =>
      digestOfJson({
        stage: 'train',
        data,
        config: plan.digests.config,
        task: problem.task,
        success: problem.success,
        index,
      }),
    evaluate: digestOfJson({
      stage: 'evaluate',
      data,
      config: plan.digests.config,
      gates: plan.digests.gates,
      value: problem.value,
    }),
  };
}

/** The same for the files as they are in the checkout now. */
export function presentInputs({ deps, model }: StageContext, plan: JobPlan): StageInputs {
  return stageInputs(loadModelFolder(deps.workspace, model), plan);
}
