import type { StepState } from '../protocol.ts';
import { startDeadline } from './deadline.ts';
import { evaluate, evaluateCondition, evaluateText, evaluateTexts } from './expression.ts';
import { type Performance, performRun } from './run-step.ts';
import { type Frame, type Session, type StepOutcome, scopeOf } from './session.ts';
import { annotate } from './step-io.ts';
import { performUses } from './uses-step.ts';
import type { Step } from './workflow.ts';

export type StepList = { session: Session; frame: Frame; steps: Step[]; states?: StepState[] };

/** Runs steps one after the other; those of the job itself are shown, those inside an action are not. */
export async function runSteps(input: StepList): Promise<void> {
  const { session, frame, steps, states = [] } = input;
  for (const [index, step] of steps.entries()) {
    const state = states[index];
    const result = await runStep({ session, frame, step, started: () => state && startStep(session, state) });
    if (step.id) frame.steps[step.id] = result;
    if (result.conclusion === 'failure') frame.failed = true;
    if (state) endStep(session, state, result.conclusion);
  }
}

export function startStep(session: Session, state: StepState): void {
  state.status = 'in_progress';
  state.started_at = new Date().toISOString();
  session.changed();
}

export function endStep(session: Session, state: StepState, conclusion: StepOutcome): void {
  state.status = 'completed';
  state.conclusion = conclusion;
  state.completed_at = new Date().toISOString();
  session.changed();
}

/** What a step is called before it has run: its name, else what it does. */
export function stepTitle(step: Step): string {
  if (typeof step.name === 'string' && step.name !== '') return step.name;
  if (step.kind === 'uses') return `Run ${step.uses}`;
  return typeof step.run === 'string' ? `Run ${step.run.trim().split('\n')[0]}` : 'Run a script';
}

async function runStep(input: {
  session: Session;
  frame: Frame;
  step: Step;
  started: () => void;
}): Promise<Frame['steps'][string]> {
  const { session, frame, step } = input;
  const outputs: Record<string, string> = {};
  const done = (outcome: StepOutcome, conclusion = outcome) => ({ outputs, outcome, conclusion });
  let continues = false;
  try {
    if (session.end.aborted) return done('cancelled');
    if (!evaluateCondition(step.condition, scopeOf(session, frame))) return done('skipped');
    input.started();
    continues = evaluate(step.continueOnError, scopeOf(session, frame)) === true;
    await perform(input, outputs);
    return done('success');
  } catch (fault) {
    const message = fault instanceof Error ? fault.message : String(fault);
    session.log.line(`##[error]${message}`);
    const cancelled = session.stop.aborted && message === canceled;
    annotate(session, { level: 'failure', message, path: '.github' });
    return cancelled ? done('cancelled') : done('failure', continues ? 'success' : 'failure');
  }
}

const canceled = 'The operation was canceled.';

async function perform(
  { session, frame, step }: { session: Session; frame: Frame; step: Step },
  outputs: Record<string, string>,
): Promise<void> {
  session.contexts.github.action =
    step.id ?? (step.kind === 'run' ? '__run' : `__${step.uses.replace(/@.*/, '')}`);
  const env = evaluateTexts(step.env, scopeOf(session, frame));
  const scope = scopeOf(session, frame, env);
  // A step that starts after the job was stopped (always()) is bounded by the end of patience instead.
  const stop = session.stop.aborted ? session.end : frame.stop;
  const minutes = step.timeoutMinutes === null ? null : Number(evaluateText(step.timeoutMinutes, scope));
  const deadline = startDeadline(stop, minutes);
  const performance: Performance = { session, frame, scope, env, signal: deadline.signal, outputs };
  try {
    await (step.kind === 'run' ? performRun(step, performance) : performUses(step, performance, runSteps));
  } catch (fault) {
    if (!deadline.isLate()) throw fault;
    throw new Error(`The action '${stepTitle(step)}' has timed out after ${minutes} minutes.`, {
      cause: fault,
    });
  } finally {
    deadline.clear();
  }
}
