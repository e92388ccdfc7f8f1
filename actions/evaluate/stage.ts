import type { StageContext } from '../kit/context.ts';
import { judged } from '../kit/judged.ts';
import { planned } from '../kit/planned.ts';
import type { StageResult } from '../kit/stage.ts';
import { presentInputs } from '../kit/stage-inputs.ts';
import { main } from './main.ts';

/** Stage 3, second half: the winner of the search meets the holdout, beside the champion, on the same rows. */
export async function evaluateStage(context: StageContext): Promise<StageResult<'evaluate'>> {
  const { plan, planDigest } = await planned(context);
  const { data, train } = await judged(context, plan);
  const { champion, anchor, looks } = plan;
  const inputs = presentInputs(context, plan).evaluate;
  const result = await main(
    { model: context.model, plan, planDigest, data, train, champion, anchor, looks },
    context.deps,
  );
  return { ...result, inputs };
}
