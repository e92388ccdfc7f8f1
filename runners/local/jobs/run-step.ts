import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluateText, type Scope } from './expression.ts';
import { childEnvironment, type Frame, runInJob, type Session, workspacePath } from './session.ts';
import { scriptExtension, shellCall } from './shell.ts';
import { createStepIo } from './step-io.ts';
import type { RunStep } from './workflow.ts';

/** What is needed to perform one step whose condition held. */
export type Performance = {
  session: Session;
  frame: Frame;
  scope: Scope;
  /** The step's own `env:`, evaluated. */
  env: Record<string, string>;
  signal: AbortSignal;
  /** Filled while the step runs. */
  outputs: Record<string, string>;
};

/** Runs the script of a `run:` step; throws when it fails. */
export async function performRun(step: RunStep, performance: Performance): Promise<void> {
  const { session, frame, scope, env, signal } = performance;
  const text = evaluateText(step.run, scope);
  const setting = (own: RunStep['shell'], name: string) =>
    evaluateText(own ?? (frame.action ? null : session.defaults.get(name)) ?? '', scope);
  const shell = setting(step.shell, 'shell');
  const script = join(session.folders.temp, `${randomUUID()}${scriptExtension(shell)}`);
  writeFileSync(script, text.endsWith('\n') ? text : `${text}\n`);
  const { command, args } = shellCall(shell, script);
  const cwd = workspacePath(session, setting(step.workingDirectory, 'working-directory') || '.');

  if (!existsSync(cwd)) throw new Error(`The working directory '${cwd}' does not exist.`);
  logHeader(session, {
    text,
    command: [command, ...args].join(' '),
    env: { ...session.env, ...frame.env, ...env },
  });
  const io = createStepIo(session);
  const result = await runInJob(session, {
    command,
    args,
    cwd,
    env: { ...childEnvironment(session, frame, env), ...io.env },
    signal,
    onLine: io.onLine,
  });
  Object.assign(performance.outputs, io.collect().outputs);
  if (result.stopped) throw new Error('The operation was canceled.');
  if (result.code !== 0) throw new Error(`Process completed with exit code ${result.code}.`);
}

export function logHeader(
  session: Session,
  input: { text: string; command?: string; env: Record<string, string> },
): void {
  const lines = input.text.replace(/\n$/, '').split('\n');
  session.log.line(`##[group]Run ${lines[0]}`);
  if (input.command) {
    for (const line of lines) session.log.line(line);
    session.log.line(`shell: ${input.command}`);
  }
  const env = Object.entries(input.env);
  if (env.length > 0) session.log.line('env:');
  for (const [name, value] of env) session.log.line(`  ${name}: ${value}`);
  session.log.line('##[endgroup]');
}
