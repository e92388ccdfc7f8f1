import type { JobPlan } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { EvidenceFolder } from '../kit/evidence-folder.ts';
import type { ModelFolder } from '../kit/model-folder.ts';
import { stageInputs } from '../kit/stage-inputs.ts';

export type PlannedStage = {
  stage: 'data' | 'train' | 'evaluate';
  index: number | null;
  inputs: Digest;
  run: boolean;
  why: string;
};

type Found = { inputs: Digest | null } | null;

/**
 * Which stages a plain checkout needs: a stage whose input digests equal those of its recorded evidence is up
 * to date. Later stages take the digests of what earlier ones found, so they follow from the first that runs.
 */
export function main({
  folder,
  plan,
  evidence,
}: {
  folder: ModelFolder;
  plan: JobPlan;
  evidence: EvidenceFolder;
}): PlannedStage[] {
  const inputs = stageInputs(folder, plan);
  const data = decide('data', null, inputs.data, evidence.find('data'));
  const train = plan.candidates.map(({ index }) => {
    const decided = decide('train', index, inputs.train(index), evidence.find('train', index));
    return data.run ? { ...decided, run: true, why: 'its data is made anew' } : decided;
  });
  const evaluate = decide('evaluate', null, inputs.evaluate, evidence.find('evaluate'));
  const follows = data.run || train.some(({ run }) => run);
  return [
    data,
    ...train,
    follows ? { ...evaluate, run: true, why: 'what it judges is made anew' } : evaluate,
  ];
}

function decide(
  stage: PlannedStage['stage'],
  index: number | null,
  inputs: Digest,
  found: Found,
): PlannedStage {
  if (found === null) return { stage, index, inputs, run: true, why: 'it has never run here' };
  if (found.inputs !== inputs) return { stage, index, inputs, run: true, why: 'its inputs have changed' };
  return { stage, index, inputs, run: false, why: 'up to date' };
}
