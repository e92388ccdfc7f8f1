import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { JavaScriptAction } from './action-file.ts';
import { isInside } from './artifact-files.ts';
import { evaluateCondition, evaluateTexts } from './expression.ts';
import { locateAction, withDefaults } from './located-action.ts';
import type { Performance } from './run-step.ts';
import { childEnvironment, type Frame, runInJob } from './session.ts';
import { createStepIo } from './step-io.ts';
import type { UsesStep } from './workflow.ts';

/** Runs `main` with the runner's own node, and leaves `post` for the end of the job. */
export async function performJavaScript(input: {
  action: NonNullable<Frame['action']>;
  runs: JavaScriptAction;
  inputs: Record<string, string>;
  step: UsesStep;
  performance: Performance;
}): Promise<void> {
  const { action, runs, inputs, performance } = input;
  const { session } = performance;
  const state = session.actionState.get(input.step) ?? {};
  session.actionState.set(input.step, state);
  const { post } = runs;
  if (post) {
    session.posts.push({
      name: `Post ${input.step.uses}`,
      condition: runs.postIf,
      frame: performance.frame,
      perform: (signal) =>
        runActionFile({
          action,
          file: post,
          inputs,
          state,
          performance: { ...performance, signal, outputs: {} },
        }),
    });
  }
  await runActionFile({ action, file: runs.main, inputs, state, performance });
}

/** The `pre:` of our own actions, before the first step; local actions have none, as they are not there yet. */
export async function performPre(step: UsesStep, performance: Performance): Promise<void> {
  const { file, action } = locateAction(performance.session, step.uses);
  if (
    file.runs.kind !== 'javascript' ||
    !file.runs.pre ||
    !evaluateCondition(file.runs.preIf, performance.scope)
  )
    return;
  const state: Record<string, string> = {};
  performance.session.actionState.set(step, state);
  const inputs = withDefaults({ file, given: evaluateTexts(step.with, performance.scope), performance });
  await runActionFile({ action, file: file.runs.pre, inputs, state, performance });
}

async function runActionFile(input: {
  action: NonNullable<Frame['action']>;
  file: string;
  inputs: Record<string, string>;
  state: Record<string, string>;
  performance: Performance;
}): Promise<void> {
  const { action, performance } = input;
  const { session, env, signal } = performance;
  const script = join(action.path, input.file);
  if (!isInside(session.host.actionsRoot, script) && !isInside(session.folders.workspace, script)) {
    throw new Error(`The file '${input.file}' is outside the action's repository.`);
  }
  if (!existsSync(script)) throw new Error(`${script} does not exist. Is the package built (npm run build)?`);
  const io = createStepIo(session);
  const result = await runInJob(session, {
    command: process.execPath,
    args: [script],
    cwd: session.folders.workspace,
    env: {
      ...childEnvironment(session, { ...performance.frame, action }, env),
      ...prefixed('INPUT_', input.inputs),
      ...prefixed('STATE_', input.state),
      ...io.env,
    },
    signal,
    onLine: io.onLine,
  });
  const collected = io.collect();
  Object.assign(performance.outputs, collected.outputs);
  Object.assign(input.state, collected.state);
  if (result.stopped) throw new Error('The operation was canceled.');
  if (result.code !== 0) throw new Error(`Process completed with exit code ${result.code}.`);
}

/** INPUT_NAME as @actions/core reads it: upper case, blanks become underscores. */
function prefixed(prefix: 'INPUT_' | 'STATE_', values: Record<string, string>): Record<string, string> {
  const rename = (name: string) => (prefix === 'INPUT_' ? name.replaceAll(' ', '_').toUpperCase() : name);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${prefix}${rename(name)}`, value]),
  );
}
