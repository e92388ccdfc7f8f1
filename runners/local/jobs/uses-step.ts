import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ActionFile,
  type CompositeAction,
  type JavaScriptAction,
  readActionFile,
} from './action-file.ts';
import { readActionReference, type StandInName } from './action-reference.ts';
import { isInside } from './artifact-files.ts';
import { evaluate, evaluateCondition, evaluateText, evaluateTexts } from './expression.ts';
import { logHeader, type Performance } from './run-step.ts';
import { childEnvironment, type Frame, runInJob, type Session, scopeOf, workspacePath } from './session.ts';
import { checkout } from './stand-ins/checkout.ts';
import { downloadArtifact } from './stand-ins/download-artifact.ts';
import { setupNode } from './stand-ins/setup-node.ts';
import type { StandIn } from './stand-ins/stand-in.ts';
import { uploadArtifact } from './stand-ins/upload-artifact.ts';
import { createStepIo } from './step-io.ts';
import type { Step, UsesStep } from './workflow.ts';

const standIns: Record<StandInName, StandIn> = {
  'actions/checkout': checkout,
  'actions/setup-node': setupNode,
  'actions/upload-artifact': uploadArtifact,
  'actions/download-artifact': downloadArtifact,
};
/** Nesting of composite actions that GitHub allows. */
const maxNesting = 10;

export type RunSteps = (list: { session: Session; frame: Frame; steps: Step[] }) => Promise<void>;
export type Located = { file: ActionFile; action: NonNullable<Frame['action']> };

/** Performs a `uses:` step; throws when it fails. `runSteps` runs the steps of a composite action. */
export async function performUses(
  step: UsesStep,
  performance: Performance,
  runSteps: RunSteps,
): Promise<void> {
  const { session, scope, env } = performance;
  const given = evaluateTexts(step.with, scope);
  logHeader(session, { text: step.uses, env: { ...session.env, ...performance.frame.env, ...env } });
  const reference = readActionReference(step.uses);
  if (reference.kind === 'refused') throw new Error(reference.reason);
  if (reference.kind === 'stand-in')
    return performStandIn({ name: reference.name, given, step, performance });

  const { file, action } = locateAction(session, step.uses);
  const inputs = withDefaults({ file, given, performance });
  if (file.runs.kind === 'javascript') {
    await performJavaScript({ action, runs: file.runs, inputs, step, performance, name: step.uses });
  } else {
    await performComposite({ action, runs: file.runs, inputs, performance, runSteps });
  }
}

/** The folder and metadata of one of our actions or of a local one. */
export function locateAction(session: Session, uses: string): Located {
  const reference = readActionReference(uses);
  if (reference.kind === 'package') {
    const path = join(session.host.actionsRoot, reference.folder);
    session.log.line(`${uses} is the running package's ${reference.folder || 'root action'} (${path})`);
    return {
      file: readActionFile(path),
      action: { path, repository: 'roundhouse/roundhouse', ref: reference.ref },
    };
  }
  if (reference.kind !== 'local') throw new Error(`'${uses}' has no folder.`);
  const path = workspacePath(session, reference.folder);
  return { file: readActionFile(path), action: { path, repository: '', ref: '' } };
}

async function performStandIn(input: {
  name: StandInName;
  given: Record<string, string>;
  step: UsesStep;
  performance: Performance;
}): Promise<void> {
  const { session, frame, signal, outputs } = input.performance;
  session.log.line(`${input.step.uses} is played by the local job runner`);
  await standIns[input.name]({
    session,
    input: (name) => (input.given[name] ?? '').trim(),
    output: (name, value) => {
      outputs[name] = value;
    },
    signal,
    afterwards: (perform) =>
      session.posts.push({ name: `Post ${input.step.uses}`, condition: 'always()', frame, perform }),
  });
}

/** Action inputs fall back to action.yml; a required one that is missing is a warning, as on GitHub. */
function withDefaults(input: {
  file: ActionFile;
  given: Record<string, string>;
  performance: Performance;
}): Record<string, string> {
  const { file, given, performance } = input;
  const { session } = performance;
  const known = new Map([...file.inputs.keys()].map((name) => [name.toLowerCase(), name]));
  for (const name of Object.keys(given).filter((name) => !known.has(name.toLowerCase()))) {
    session.log.line(
      `##[warning]Unexpected input(s) '${name}', valid inputs are ['${[...known.values()].join("', '")}']`,
    );
  }
  const lower = new Map(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value]));
  const inputs = Object.fromEntries(
    [...file.inputs].map(([name, definition]) => {
      const value = lower.get(name.toLowerCase());
      if (value === undefined && definition.required && definition.default === undefined) {
        session.log.line(`##[warning]Input required and not supplied: ${name}`);
      }
      return [name, value ?? evaluateText(definition.default ?? '', performance.scope)];
    }),
  );
  return {
    ...Object.fromEntries(Object.entries(given).filter(([name]) => !known.has(name.toLowerCase()))),
    ...inputs,
  };
}

export async function performJavaScript(input: {
  action: NonNullable<Frame['action']>;
  runs: JavaScriptAction;
  inputs: Record<string, string>;
  step: UsesStep;
  performance: Performance;
  name: string;
}): Promise<void> {
  const { action, runs, inputs, performance } = input;
  const { session } = performance;
  const state = session.actionState.get(input.step) ?? {};
  session.actionState.set(input.step, state);
  const { post } = runs;
  if (post) {
    session.posts.push({
      name: `Post ${input.name}`,
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

async function performComposite(input: {
  action: NonNullable<Frame['action']>;
  runs: CompositeAction;
  inputs: Record<string, string>;
  performance: Performance;
  runSteps: RunSteps;
}): Promise<void> {
  const { performance, runs } = input;
  const { session, frame, env } = performance;
  if (frame.depth >= maxNesting) throw new Error(`Composite actions are nested deeper than ${maxNesting}.`);
  const inner: Frame = {
    inputs: input.inputs,
    steps: {},
    env: { ...frame.env, ...env },
    action: input.action,
    failed: false,
    depth: frame.depth + 1,
  };
  await input.runSteps({ session, frame: inner, steps: runs.steps });
  for (const [name, value] of runs.outputs)
    performance.outputs[name] = String(evaluate(value, scopeOf(session, inner)) ?? '');
  if (inner.failed) throw new Error('A step of the composite action failed.');
}

/** INPUT_NAME as @actions/core reads it: upper case, blanks become underscores. */
function prefixed(prefix: 'INPUT_' | 'STATE_', values: Record<string, string>): Record<string, string> {
  const rename = (name: string) => (prefix === 'INPUT_' ? name.replaceAll(' ', '_').toUpperCase() : name);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${prefix}${rename(name)}`, value]),
  );
}
