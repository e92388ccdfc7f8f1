import type { Statement } from '#lib/lifecycle/evidence.ts';
import type { JobPlan } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { StageContext } from './context.ts';
import { parseStatement } from './evidence-folder.ts';
import { presentInputs, type StageInputs } from './stage-inputs.ts';

export type Judged = { data: Statement<'data'>; train: Statement<'train'>[] };

/** The statements that are judged: those that the app took, or this checkout's of the present files. */
export async function judged(context: StageContext, plan: JobPlan): Promise<Judged> {
  if (plan.accepted !== null) {
    const { data, train } = plan.accepted;
    const read = async (digest: Digest) => Buffer.from(await context.deps.store.get(digest)).toString('utf8');
    return {
      data: parseStatement('data', await read(data), data),
      train: await Promise.all(
        train.map(async (digest) => parseStatement('train', await read(digest), digest)),
      ),
    };
  }
  const inputs = presentInputs(context, plan);
  return { data: presentData(context, inputs), train: presentTraining(context, inputs, plan) };
}

/** The same with the evaluation of the present files. */
export async function evaluated(
  context: StageContext,
  plan: JobPlan,
): Promise<Judged & { evaluate: Statement<'evaluate'> }> {
  const { evidence, model } = context;
  const evaluate = evidence.require('evaluate');
  if (evidence.find('evaluate')?.inputs !== presentInputs(context, plan).evaluate) {
    throw new UserError(`the evaluation of ${model} is of other files than the present ones`, {
      fix: `run \`roundhouse evaluate --model ${model}\` again`,
    });
  }
  return { ...(await judged(context, plan)), evaluate };
}

/** The data evidence of this checkout, as far as it was made from the present files. */
export function presentData(
  { evidence, model }: StageContext,
  inputs: Pick<StageInputs, 'data'>,
): Statement<'data'> {
  const data = evidence.require('data');
  if (evidence.find('data')?.inputs === inputs.data) return data;
  throw new UserError(`the data of ${model} were made from other files than the present ones`, {
    fix: `run \`roundhouse data --model ${model}\` again`,
  });
}

/** A search is over every candidate of model.yml: one that was trained otherwise, or not at all, is missing. */
function presentTraining(
  { evidence, model }: StageContext,
  inputs: StageInputs,
  { candidates }: JobPlan,
): Statement<'train'>[] {
  const found = candidates.map(({ index, name }) => ({ index, name, own: evidence.find('train', index) }));
  const missing = found.filter(({ index, own }) => own?.inputs !== inputs.train(index));
  if (missing.length > 0) {
    const names = missing.map(({ name }) => `"${name}"`).join(', ');
    throw new UserError(`not trained with the present files: ${names} of ${model}`, {
      fix: `run \`roundhouse train --model ${model}\` again`,
    });
  }
  return found.flatMap(({ own }) => own?.statement ?? []);
}
