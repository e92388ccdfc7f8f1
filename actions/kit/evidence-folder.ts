import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type EvidenceStage, type Statement, statementSchemas } from '#lib/lifecycle/evidence.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { fullDisk } from '#lib/store/durable-file.ts';
import { statementText } from './statement.ts';

/**
 * `.roundhouse/evidence/<model>/<stage>[-<index>].json`: what the stages found where no app records
 * it. It is git-ignored and counts on this machine only. `inputs` is the digest of what the stage
 * was given: equal inputs = up to date.
 */
export type EvidenceFolder = {
  save<Stage extends EvidenceStage>(
    stage: Stage,
    statement: Statement<Stage>,
    at?: { index?: number | undefined; inputs?: Digest | undefined },
  ): string;
  find<Stage extends EvidenceStage>(
    stage: Stage,
    index?: number,
  ): { statement: Statement<Stage>; inputs: Digest | null } | null;
  require<Stage extends EvidenceStage>(stage: Stage, index?: number): Statement<Stage>;
};

export function openEvidenceFolder(workspace: string, model: string): EvidenceFolder {
  const folder = join(workspace, '.roundhouse', 'evidence', model);

  function pathOf(stage: EvidenceStage, index?: number): string {
    return join(folder, index === undefined ? `${stage}.json` : `${stage}-${index}.json`);
  }

  function find<Stage extends EvidenceStage>(stage: Stage, index?: number) {
    const path = pathOf(stage, index);
    if (!existsSync(path)) return null;
    const statement = parseStatement(stage, readFileSync(path, 'utf8'), path);
    const inputsFile = `${path}.inputs`;
    const inputs = existsSync(inputsFile) ? (readFileSync(inputsFile, 'utf8').trim() as Digest) : null;
    return { statement, inputs };
  }

  return {
    save(stage, statement, { index, inputs } = {}) {
      mkdirSync(folder, { recursive: true });
      const path = pathOf(stage, index);
      writeWhole(path, statementText(statement));
      writeWhole(`${path}.inputs`, `${inputs ?? ''}\n`);
      return path;
    },
    find,
    require(stage, index) {
      const found = find(stage, index);
      if (found) return found.statement;
      throw new UserError(`stage "${stage}" has left no evidence for model ${model} here`, {
        fix: `run \`roundhouse ${COMMAND_OF[stage]} --model ${model}\` first`,
      });
    },
  };
}

const COMMAND_OF: Record<EvidenceStage, string> = {
  data: 'data',
  train: 'train',
  evaluate: 'evaluate',
  deploy: 'deploy',
  monitor: 'monitor',
  retrain: 'retrain',
};

/** A statement of the stage that is expected, or an error that names the source of the text. */
export function parseStatement<Stage extends EvidenceStage>(
  stage: Stage,
  text: string,
  where: string,
): Statement<Stage> {
  const parsed = statementSchemas[stage].safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data as Statement<Stage>;
  throw new Error(
    `${where} is no ${stage} evidence of this release: ${parsed.error.issues[0]?.message ?? ''}`,
  );
}

function writeWhole(path: string, text: string): void {
  try {
    writeFileSync(`${path}.tmp`, text);
    renameSync(`${path}.tmp`, path);
  } catch (error) {
    rmSync(`${path}.tmp`, { force: true });
    throw fullDisk(error, dirname(path)) ?? error;
  }
}
