import type { CompositeAction } from './action-file.ts';
import { readActionReference, type StandInName } from './action-reference.ts';
import { evaluate, evaluateTexts } from './expression.ts';
import { performJavaScript } from './javascript-action.ts';
import { locateAction, withDefaults } from './located-action.ts';
import { logHeader, type Performance } from './run-step.ts';
import { type Frame, type Session, scopeOf } from './session.ts';
import { checkout } from './stand-ins/checkout.ts';
import { downloadArtifact } from './stand-ins/download-artifact.ts';
import { setupNode } from './stand-ins/setup-node.ts';
import type { StandIn } from './stand-ins/stand-in.ts';
import { uploadArtifact } from './stand-ins/upload-artifact.ts';
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
    await performJavaScript({ action, runs: file.runs, inputs, step, performance });
  } else {
    await performComposite({ action, runs: file.runs, inputs, performance, runSteps });
  }
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
    stop: performance.signal,
  };
  await input.runSteps({ session, frame: inner, steps: runs.steps });
  for (const [name, value] of runs.outputs)
    performance.outputs[name] = String(evaluate(value, scopeOf(session, inner)) ?? '');
  if (inner.failed) throw new Error('A step of the composite action failed.');
}
