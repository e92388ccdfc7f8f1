import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { changeNotePath } from '#lib/formats/change-note.ts';
import { renderLock } from '#lib/formats/config.ts';
import { dataLockOf, modelLockOf } from '#lib/formats/lock-values.ts';
import { renderChangeNote, renderDataCard, renderModelCard } from '../../templates/cards.ts';
import { loadModelFolder } from '../kit/model-folder.ts';
import { lockAt } from '../kit/registered.ts';
import { type CardInputs, cardFacts } from './main.ts';

export type CardFile = { path: string; text: string };

/**
 * `roundhouse card`: locks, cards and change note in the model's folder, as the app would commit them. The
 * locks are a claim that this machine's evidence backs. Files that are so already are left out.
 */
export async function cardFiles(inputs: CardInputs, workspace: string): Promise<CardFile[]> {
  const { model, plan, data, evaluate } = inputs;
  const facts = cardFacts(inputs, { workspace });
  const found = { data: data.predicate.result, evaluate: evaluate.predicate.result };
  const lock = modelLockOf({ model, digests: plan.digests, ...found });
  const note = renderChangeNote({
    model,
    candidate: lock.candidate,
    before: plan.champion && (await lockAt({ workspace, model, commit: plan.champion.commit })),
    after: lock,
    evaluate: found.evaluate,
    champion: plan.champion,
  });
  const config = loadModelFolder(workspace, model).data;
  return [
    { path: `models/${model}/data.lock`, text: renderLock(dataLockOf(found.data)) },
    { path: `models/${model}/model.lock`, text: renderLock(lock) },
    { path: `models/${model}/MODEL_CARD.md`, text: renderModelCard(facts) },
    {
      path: `models/${model}/DATA_CARD.md`,
      text: renderDataCard({ model, data: config, result: found.data }),
    },
    { path: changeNotePath(model, lock.candidate), text: note },
  ].filter(({ path, text }) => readText(join(workspace, path)) !== text);
}

export function writeCardFiles(files: readonly CardFile[], workspace: string): void {
  for (const { path, text } of files) {
    const file = join(workspace, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.tmp`, text);
    renameSync(`${file}.tmp`, file);
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
