import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from '@actions/core';
import type { EvidenceStage } from '#lib/lifecycle/evidence.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { openContext, type StageContext } from './context.ts';
import { type OpenDeps, openDeps } from './deps.ts';
import type { Progress, StageResult } from './stage.ts';
import { statementText } from './statement.ts';

const progress: Progress = {
  phase: (name) => core.info(name),
  update() {},
  note: (text) => core.info(`  ${text}`),
  warn: (text) => core.warning(text),
};

/** What an Action step gives its workflow: outputs, and Markdown for the job summary. */
export type StepResult = { outputs: Record<string, string>; summary?: string };
export type StepContext = { option(name: string): string; deps: OpenDeps };

/**
 * The one exit of every Action: a fault fails the step with a message that says what to do. With
 * `untrusted` and a plan the step runs beside the user's code, so it reads and writes the run's quarantine.
 */
export async function runStep(
  run: (context: StepContext) => Promise<StepResult>,
  { untrusted = false }: { untrusted?: boolean } = {},
): Promise<void> {
  try {
    const option = (name: string) => core.getInput(name);
    const attempt = process.env.GITHUB_RUN_ATTEMPT ?? '1';
    const quarantine = untrusted && option('plan') !== '' ? `${process.env.GITHUB_RUN_ID}-${attempt}` : null;
    const workspace = process.env.GITHUB_WORKSPACE ?? process.cwd();
    const deps = openDeps({ workspace, env: process.env, progress, quarantine });
    try {
      const { outputs, summary } = await run({ option, deps });
      for (const [name, value] of Object.entries(outputs)) core.setOutput(name, value);
      if (summary !== undefined && process.env.GITHUB_STEP_SUMMARY)
        await core.summary.addRaw(summary).write();
    } finally {
      deps.dispose();
    }
  } catch (error) {
    fail(error);
  }
}

/** A step that makes evidence. A verdict ends it green, unless `fail-on: verdict`. */
export function runStage<Stage extends EvidenceStage>(
  run: (context: StageContext) => Promise<StageResult<Stage>>,
  options: { untrusted?: boolean } = {},
): Promise<void> {
  return runStep(async (step) => {
    const context = await openContext(step);
    const result = await run(context);
    core.info(`verdict: ${result.verdict}`);
    if (result.verdict === 'failed' && step.option('fail-on') === 'verdict') {
      core.setFailed('the verdict is "failed" (fail-on: verdict)');
    }
    const statement = writeStatement(context, result);
    return { outputs: { ...result.outputs, statement, verdict: result.verdict } };
  }, options);
}

/** A folder of its own for each statement, since an evidence artifact holds exactly `statement.json`. */
function writeStatement<Stage extends EvidenceStage>(
  { evidence, option, deps }: StageContext,
  { statement, inputs }: StageResult<Stage>,
): string {
  const stage = statement.predicateType.split('/').at(-2) as Stage;
  const index = stage === 'train' ? Number(option('candidate') || '0') : undefined;
  evidence.save(stage, statement, { index, inputs });
  const name = index === undefined ? stage : `${stage}-${index}`;
  const folder = join(process.env.RUNNER_TEMP ?? deps.scratch, 'roundhouse-evidence', name);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'statement.json');
  writeFileSync(path, statementText(statement));
  return path;
}

function fail(error: unknown): void {
  if (error instanceof UserError) {
    core.setFailed(error.told);
    return;
  }
  core.setFailed(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
