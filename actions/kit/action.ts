import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from '@actions/core';
import type { EvidenceStage } from '#lib/lifecycle/evidence.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { openContext, type StageContext } from './context.ts';
import { openDeps } from './deps.ts';
import type { Progress, StageResult } from './stage.ts';
import { statementText } from './statement.ts';

const progress: Progress = {
  phase: (name) => core.info(name),
  update() {},
  note: (text) => core.info(`  ${text}`),
  warn: (text) => core.warning(text),
};

export type ActionOptions = {
  /** The step runs beside the user's code: it reads and writes the run's quarantine. */
  untrusted?: boolean;
};

/** What an Action step gives its workflow when it makes no evidence. */
export type PlainResult = { outputs: Record<string, string>; summary?: string };

/**
 * The one exit of every Action: a verdict ends the step green (unless `fail-on: verdict`), a fault fails it
 * with a message that says what to do.
 */
export async function runAction<Stage extends EvidenceStage>(
  run: (context: StageContext) => Promise<StageResult<Stage> | PlainResult>,
  { untrusted = false }: ActionOptions = {},
): Promise<void> {
  try {
    const option = (name: string) => core.getInput(name);
    const quarantine =
      untrusted && option('plan') !== ''
        ? `${process.env.GITHUB_RUN_ID}-${process.env.GITHUB_RUN_ATTEMPT ?? '1'}`
        : null;
    const workspace = process.env.GITHUB_WORKSPACE ?? process.cwd();
    const deps = openDeps({ workspace, env: process.env, progress, quarantine });
    try {
      const context = await openContext({ option, deps });
      await report(context, await run(context));
    } finally {
      deps.dispose();
    }
  } catch (error) {
    fail(error);
  }
}

async function report<Stage extends EvidenceStage>(
  context: StageContext,
  result: StageResult<Stage> | PlainResult,
): Promise<void> {
  for (const [name, value] of Object.entries(result.outputs)) core.setOutput(name, value);
  if (!('statement' in result)) {
    if (result.summary !== undefined && process.env.GITHUB_STEP_SUMMARY)
      await core.summary.addRaw(result.summary).write();
    return;
  }
  core.setOutput('statement', writeStatement(context, result));
  core.setOutput('verdict', result.verdict);
  core.info(`verdict: ${result.verdict}`);
  if (result.verdict === 'failed' && context.option('fail-on') === 'verdict')
    core.setFailed('the verdict is "failed" (fail-on: verdict)');
}

/** A folder of its own for each statement, since an evidence artifact holds exactly `statement.json`. */
function writeStatement<Stage extends EvidenceStage>(
  context: StageContext,
  { statement }: StageResult<Stage>,
): string {
  const stage = statement.predicateType.split('/').at(-2) as Stage;
  const index = stage === 'train' ? Number(context.option('candidate') || '0') : undefined;
  if (context.plan === null) context.evidence.save(stage, statement, index === undefined ? {} : { index });
  const folder = join(
    process.env.RUNNER_TEMP ?? context.deps.scratch,
    'roundhouse-evidence',
    `${stage}${index === undefined ? '' : `-${index}`}`,
  );
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'statement.json');
  writeFileSync(path, statementText(statement));
  return path;
}

function fail(error: unknown): void {
  if (error instanceof UserError) {
    core.setFailed(`${error.message}\nTo mend it: ${error.fix}`);
    return;
  }
  core.setFailed(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
