import type { JobPlan } from '#lib/lifecycle/plan.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';

/** The candidate that a number in a text names; a mistake is told with the numbers there are. */
export function candidateAsked(
  { model, candidates }: Pick<JobPlan, 'model' | 'candidates'>,
  asked: string,
): JobPlan['candidates'][number] {
  const found = candidates.find(({ index }) => String(index) === asked);
  if (found !== undefined) return found;
  const known = candidates.map(({ index, name }) => `${index} (${name})`).join(', ');
  throw new UserError(`models/${model}/model.yml has no candidate number "${asked}"`, {
    fix: known === '' ? 'add one under `candidates:`' : `give one of these: ${known}`,
  });
}
