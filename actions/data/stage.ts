import type { StageContext } from '../kit/context.ts';
import { planned } from '../kit/planned.ts';
import type { StageResult } from '../kit/stage.ts';
import { presentInputs } from '../kit/stage-inputs.ts';
import { main } from './main.ts';

/** Stage 2: sources -> pipeline -> contract -> parts. */
export async function dataStage(context: StageContext): Promise<StageResult<'data'>> {
  const { plan, planDigest } = await planned(context);
  const inputs = presentInputs(context, plan).data;
  const result = await main({ model: context.model, plan, planDigest }, context.deps);
  const candidates = JSON.stringify(plan.candidates.map(({ index }) => index));
  return { ...result, inputs, outputs: { ...result.outputs, candidates } };
}
