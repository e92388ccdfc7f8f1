import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { changeNotePath } from '#lib/formats/change-note.ts';
import { renderLock } from '#lib/formats/config.ts';
import { dataLockOf, modelLockOf } from '#lib/formats/lock-values.ts';
import { renderChangeNote, renderDataCard, renderModelCard } from '../../templates/cards.ts';
import { loadLocks, loadModelFolder } from '../kit/model-folder.ts';
import { type CardInputs, cardFacts } from './main.ts';

/**
 * `roundhouse card`: locks, cards and change note in the model's folder, as the app would commit them. The
 * locks are a claim that this machine's evidence backs.
 */
export function writeCardFiles(inputs: CardInputs, workspace: string): string[] {
  const { model, plan, data, evaluate } = inputs;
  const facts = cardFacts(inputs, { workspace });
  const found = { data: data.predicate.result, evaluate: evaluate.predicate.result };
  const lock = modelLockOf({ model, digests: plan.digests, ...found });
  const files: Record<string, string> = {
    [`models/${model}/data.lock`]: renderLock(dataLockOf(found.data)),
    [`models/${model}/model.lock`]: renderLock(lock),
    [`models/${model}/MODEL_CARD.md`]: renderModelCard(facts),
    [`models/${model}/DATA_CARD.md`]: renderDataCard({
      model,
      data: loadModelFolder(workspace, model).data,
      result: found.data,
    }),
    [changeNotePath(model, lock.candidate)]: renderChangeNote({
      model,
      candidate: lock.candidate,
      before: loadLocks(workspace, model)?.model ?? null,
      after: lock,
      evaluate: found.evaluate,
      champion: plan.champion,
    }),
  };
  return Object.entries(files)
    .filter(([path, text]) => writeChanged(join(workspace, path), text))
    .map(([path]) => path);
}

function writeChanged(path: string, text: string): boolean {
  if (readText(path) === text) return false;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
  return true;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
