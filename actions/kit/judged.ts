import type { Statement } from '#lib/lifecycle/evidence.ts';
import type { JobPlan } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { StageContext } from './context.ts';
import { parseStatement } from './evidence-folder.ts';

/** The statements that are judged: those that the app took, or those of this checkout. */
export async function judged(
  context: StageContext,
  plan: JobPlan,
): Promise<{ data: Statement<'data'>; train: Statement<'train'>[] }> {
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
  const data = context.evidence.require('data');
  const train = context.evidence
    .trained()
    .filter(({ predicate }) => predicate.result.data === data.predicate.result.output.content);
  if (train.length === 0) {
    throw new UserError(`no candidate of ${context.model} has been trained on the present data`, {
      fix: `run \`roundhouse train --model ${context.model}\` first`,
    });
  }
  return { data, train };
}
