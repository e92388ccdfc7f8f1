import type { Statement } from '#lib/lifecycle/evidence.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { StageContext } from '../kit/context.ts';
import { parseStatement } from '../kit/evidence-folder.ts';
import { planned } from '../kit/planned.ts';
import type { StageResult } from '../kit/stage.ts';
import { main } from './main.ts';

/** Stage 3, first half: one candidate, fitted for the search, as the twin and as the bytes that would be served. */
export async function trainStage(context: StageContext): Promise<StageResult<'train'>> {
  const { plan, planDigest } = await planned(context);
  const candidate = Number(context.option('candidate') || '0');
  if (!plan.candidates.some(({ index }) => index === candidate)) {
    throw new UserError(`models/${context.model}/model.yml has no candidate number ${candidate}`, {
      fix: `it has ${plan.candidates.length} (numbers start at 0)`,
    });
  }
  return main(
    { model: context.model, plan, planDigest, candidate, data: await dataStatement(context) },
    context.deps,
  );
}

/** In a dispatched run the data job left its statement beside its rows; else it is in the evidence folder. */
async function dataStatement({ plan, deps, evidence }: StageContext): Promise<Statement<'data'>> {
  if (plan === null || deps.run.kind === 'local') return evidence.require('data');
  const name = 'train/data.json';
  const bytes = await deps.store.incoming(`${deps.run.id}-${deps.run.attempt}`).read(name);
  return parseStatement('data', Buffer.from(bytes).toString('utf8'), name);
}
