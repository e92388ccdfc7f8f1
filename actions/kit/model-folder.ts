import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigText, type ModelFiles, parseConfig, parseModelFiles } from '#lib/formats/config.ts';
import type { Data } from '#lib/lifecycle/data.ts';
import type { DataLock, ModelLock } from '#lib/lifecycle/locks.ts';
import type { Model } from '#lib/lifecycle/model.ts';
import type { Operate } from '#lib/lifecycle/operate.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import type { Problem } from '#lib/lifecycle/problem.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';

export const POLICY_FILE = '.github/roundhouse.yml';

export type ModelFolder = { name: string; problem: Problem; data: Data; model: Model; operate: Operate };

/** All four files of `models/<name>/`, parsed, or one error that lists what is wrong with the first bad file. */
export function loadModelFolder(workspace: string, name: string): ModelFolder {
  const read = <Kind extends 'problem' | 'data' | 'model' | 'operate'>(kind: Kind) => {
    const file = `models/${name}/${kind}.yml`;
    return parseConfig(kind, { file, text: readText(workspace, file) });
  };
  return {
    name,
    problem: read('problem'),
    data: read('data'),
    model: read('model'),
    operate: read('operate'),
  };
}

/** The same with the policy, for whoever plans: one error lists what is wrong with any of them, or between them. */
export function loadModelFiles(workspace: string, name: string): ModelFiles {
  const text = (file: string): ConfigText => ({ file, text: readText(workspace, file) });
  return parseModelFiles(name, {
    policy: text(POLICY_FILE),
    problem: text(`models/${name}/problem.yml`),
    data: text(`models/${name}/data.yml`),
    model: text(`models/${name}/model.yml`),
    operate: text(`models/${name}/operate.yml`),
  });
}

export function loadPolicy(workspace: string): Policy {
  return parseConfig('policy', { file: POLICY_FILE, text: readText(workspace, POLICY_FILE) });
}

/** The locks of a model, or null where it has none yet. */
export function loadLocks(workspace: string, name: string): { data: DataLock; model: ModelLock } | null {
  const dataFile = `models/${name}/data.lock`;
  const modelFile = `models/${name}/model.lock`;
  if (!existsSync(join(workspace, dataFile)) || !existsSync(join(workspace, modelFile))) return null;
  return {
    data: parseConfig('data-lock', { file: dataFile, text: readText(workspace, dataFile) }),
    model: parseConfig('model-lock', { file: modelFile, text: readText(workspace, modelFile) }),
  };
}

/** Names of all models of a checkout, sorted. */
export function listModels(workspace: string): string[] {
  const folder = join(workspace, 'models');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'problem.yml')))
    .map((entry) => entry.name)
    .sort();
}

/** The model that was asked for, or the only one there is. */
export function chooseModel(workspace: string, asked: string | undefined): string {
  const models = listModels(workspace);
  if (asked !== undefined && asked !== '') {
    if (models.includes(asked)) return asked;
    throw new UserError(`there is no model "${asked}" here`, {
      fix:
        models.length > 0
          ? `use one of: ${models.join(', ')}`
          : 'run `roundhouse init --data FILE --target COLUMN` first',
    });
  }
  const [only, ...others] = models;
  if (only !== undefined && others.length === 0) return only;
  throw new UserError(
    models.length === 0
      ? 'there is no folder models/<name>/ with a problem.yml here'
      : 'this repository has several models',
    {
      fix:
        models.length === 0
          ? 'run `roundhouse init --data FILE --target COLUMN` first'
          : `say which: --model ${models.join(' | ')}`,
    },
  );
}

function readText(workspace: string, file: string): string {
  try {
    return readFileSync(join(workspace, file), 'utf8');
  } catch (cause) {
    throw new UserError(`${file} can't be read`, {
      fix: "create it (`roundhouse init` writes a first one) or run in the repository's root",
      cause,
    });
  }
}
