import type { CardFacts } from '#lib/formats/cards.ts';
import { changeNotePath } from '#lib/formats/change-note.ts';
import { renderLock } from '#lib/formats/config.ts';
import { dataLockOf, modelLockOf } from '#lib/formats/lock-values.ts';
import type { Change } from '#lib/github/trees.ts';
import { renderChangeNote, renderDataCard, renderModelCard } from '../templates/cards.ts';
import type { Project } from './project.ts';
import type { PullFacts, TouchedModel } from './pull-facts.ts';
import type { Standing } from './standing.ts';

export type Judged = Extract<Standing, { state: 'judged' }>;

export function cardFacts({ merged }: TouchedModel, { evidence, champion, overrides }: Judged): CardFacts {
  return {
    problem: merged.problem,
    model: merged.model,
    data: evidence.data.predicate.result,
    train: evidence.train.map(({ predicate }) => predicate.result),
    evaluate: evidence.evaluate.predicate.result,
    champion,
    candidate: evidence.record.candidate,
    overrides,
  };
}

/**
 * One commit per candidate: locks, cards and change note. It is made for the head that was read; where that
 * has moved in the meantime nothing happens, and the pull request is read again.
 */
export async function commitCandidate({
  project,
  facts,
  model,
  standing,
}: {
  project: Project;
  facts: PullFacts;
  model: TouchedModel;
  standing: Judged;
}): Promise<void> {
  const { head } = facts.pull;
  const { trees } = project.forge;
  const { candidate } = standing.evidence.record;
  const sha = await trees.write({
    parent: head.sha,
    message: `Lock ${model.name} candidate ${candidate.slice('sha256:'.length, 'sha256:'.length + 16)}`,
    changes: filesOf(model, standing),
  });
  const moved = await trees.moveRef(`heads/${head.ref}`, sha);
  project.log.info({ pull: facts.pull.number, candidate, moved }, 'locks were committed');
}

function filesOf(model: TouchedModel, standing: Judged): Change[] {
  const { evidence, champion } = standing;
  const { record } = evidence;
  const [data, evaluate] = [evidence.data.predicate.result, evidence.evaluate.predicate.result];
  const folder = `models/${model.name}`;
  const lock = modelLockOf({ model: model.name, digests: record.digests, data, evaluate });
  const change = {
    model: model.name,
    candidate: record.candidate,
    before: model.base?.locks?.model ?? null,
    after: lock,
    evaluate,
    champion,
  };
  return [
    { path: `${folder}/data.lock`, text: renderLock(dataLockOf(data)) },
    { path: `${folder}/model.lock`, text: renderLock(lock) },
    {
      path: `${folder}/DATA_CARD.md`,
      text: renderDataCard({ model: model.name, data: model.merged.data, result: data }),
    },
    { path: `${folder}/MODEL_CARD.md`, text: renderModelCard(cardFacts(model, standing)) },
    { path: changeNotePath(model.name, record.candidate), text: renderChangeNote(change) },
  ];
}
