import { hexOf } from '#lib/formats/digest.ts';
import { readPlan } from '../kit/context.ts';
import type { OpenDeps } from '../kit/deps.ts';
import { listModels, loadLocks } from '../kit/model-folder.ts';

/**
 * What later steps of a workflow need to know: of a plan, the commit to check out and the matrix of
 * candidates; without a plan, the matrix of models that have a version to look after.
 */
export async function planStep({
  option,
  deps,
}: {
  option(name: string): string;
  deps: OpenDeps;
}): Promise<{ outputs: Record<string, string> }> {
  const asked = option('plan');
  if (asked === '')
    return { outputs: { models: JSON.stringify(watchedModels(deps.workspace, option('model'))) } };
  const { digest, value } = await readPlan(deps.store, asked);
  return {
    outputs: {
      model: value.model,
      merge: value.merge,
      head: value.head,
      base: value.base,
      plan: hexOf(digest),
      candidates: JSON.stringify(value.candidates.map(({ index }) => index)),
    },
  };
}

function watchedModels(workspace: string, asked: string): string[] {
  return listModels(workspace).filter(
    (model) => (asked === '' || asked === model) && loadLocks(workspace, model) !== null,
  );
}
