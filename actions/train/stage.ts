import type { Statement } from '#lib/lifecycle/evidence.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { BACKEND_CHOICES, type BackendChoice } from '#lib/ml/tensorflow.ts';
import type { StageContext } from '../kit/context.ts';
import { parseStatement } from '../kit/evidence-folder.ts';
import { presentData } from '../kit/judged.ts';
import { planned } from '../kit/planned.ts';
import type { StageResult } from '../kit/stage.ts';
import { presentInputs, type StageInputs } from '../kit/stage-inputs.ts';
import { candidateAsked } from './candidate.ts';
import { main } from './main.ts';

/** Stage 3, first half: one candidate, fitted for the search, as the twin and as the bytes that would be served. */
export async function trainStage(context: StageContext): Promise<StageResult<'train'>> {
  const { plan, planDigest } = await planned(context);
  const { index } = candidateAsked(plan, context.option('candidate') || '0');
  const inputs = presentInputs(context, plan);
  const result = await main(
    {
      model: context.model,
      plan,
      planDigest,
      candidate: index,
      data: await dataStatement(context, inputs),
      backend: backendAsked(context.option('backend')),
      env: context.deps.env,
    },
    context.deps,
  );
  return { ...result, inputs: inputs.train(index) };
}

function backendAsked(text: string): BackendChoice {
  const found = BACKEND_CHOICES.find((choice) => choice === (text || 'auto'));
  if (found !== undefined) return found;
  throw new UserError(`"${text}" is no backend`, { fix: `give one of ${BACKEND_CHOICES.join(', ')}` });
}

/** In a dispatched run the data job left its statement beside its rows; else it is in the evidence folder. */
async function dataStatement(context: StageContext, inputs: StageInputs): Promise<Statement<'data'>> {
  const { plan, deps } = context;
  if (plan === null || deps.run.kind === 'local') return presentData(context, inputs);
  const name = 'train/data.json';
  const bytes = await deps.store.incoming(`${deps.run.id}-${deps.run.attempt}`).read(name);
  return parseStatement('data', Buffer.from(bytes).toString('utf8'), name);
}
