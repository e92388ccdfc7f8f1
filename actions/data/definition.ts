import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Building } from '#lib/data/build.ts';
import { parseConfig } from '#lib/formats/config.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { git } from '../kit/git.ts';

/** Files of one state of the repository, by their path from its root. */
export type Files = { name: string; read(path: string): Promise<string> };

export function workspaceFiles(workspace: string): Files {
  return {
    name: '',
    read: (path) =>
      readFile(join(workspace, path), 'utf8').catch((cause) => {
        throw new UserError(`${path} can't be read`, { fix: 'create it, or name the right file', cause });
      }),
  };
}

export function commitFiles(workspace: string, commit: string): Files {
  return {
    name: `${commit.slice(0, 12)}:`,
    async read(path) {
      const text = await git(workspace, 'show', `${commit}:${path}`);
      if (text !== null) return text;
      throw new UserError(`${commit.slice(0, 12)}:${path} is not in this checkout`, {
        fix: 'check out with `fetch-depth: 0`, so that the commit of the champion is there',
      });
    },
  };
}

/** What stage 2 is built from: data.yml with its SQL, whether problem.yml predicts a number, and the rows it needs. */
export async function loadDefinition(
  model: string,
  files: Files,
): Promise<Pick<Building, 'data' | 'file' | 'steps' | 'numericLabel'> & { needed: number }> {
  const load = async <Kind extends 'data' | 'problem'>(kind: Kind) => {
    const path = `models/${model}/${kind}.yml`;
    return parseConfig(kind, { file: files.name + path, text: await files.read(path) });
  };
  const data = await load('data');
  const problem = await load('problem');
  const steps = await Promise.all(
    data.pipeline.map(async (name) => {
      const path = `models/${model}/${name}`;
      return { name, path: files.name + path, sql: await files.read(path) };
    }),
  );
  const file = `${files.name}models/${model}/data.yml`;
  const numericLabel = problem.task.kind === 'regression';
  return { data, file, steps, numericLabel, needed: problem.data.min_rows };
}
