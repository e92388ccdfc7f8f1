import type { CardFacts } from '#lib/formats/cards.ts';
import { candidateOf } from '#lib/formats/lock-values.ts';
import type { Statement } from '#lib/lifecycle/evidence.ts';
import type { JobPlan } from '#lib/lifecycle/plan.ts';
import { renderCardSection, renderModelCard } from '../../templates/cards.ts';
import { loadModelFolder } from '../kit/model-folder.ts';
import type { StageDeps } from '../kit/stage.ts';

export type CardInputs = {
  model: string;
  plan: Pick<JobPlan, 'digests' | 'champion'>;
  data: Statement<'data'>;
  train: Statement<'train'>[];
  evaluate: Statement<'evaluate'>;
};

/** What a card is made of, from files and evidence. */
export function cardFacts(
  { model, plan, data, train, evaluate }: CardInputs,
  { workspace }: Pick<StageDeps, 'workspace'>,
): CardFacts {
  const folder = loadModelFolder(workspace, model);
  const found = { data: data.predicate.result, evaluate: evaluate.predicate.result };
  return {
    problem: folder.problem,
    model: folder.model,
    ...found,
    train: train.map(({ predicate }) => predicate.result),
    champion: plan.champion,
    candidate: candidateOf({ model, digests: plan.digests, ...found }),
    overrides: [],
  };
}

/** The card of a judged candidate: `section` for a comment or summary, `card` as MODEL_CARD.md. */
export async function main(
  inputs: CardInputs,
  deps: Pick<StageDeps, 'workspace'>,
): Promise<{ section: string; card: string; candidate: CardFacts['candidate'] }> {
  const facts = cardFacts(inputs, deps);
  return { section: renderCardSection(facts), card: renderModelCard(facts), candidate: facts.candidate };
}
