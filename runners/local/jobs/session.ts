import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import type { ClaimedRun, JobState } from '../protocol.ts';
import { isInside, matchFiles } from './artifact-files.ts';
import { type ChildResult, runChild } from './child.ts';
import type { Control } from './control.ts';
import type { Json, Scope } from './expression.ts';
import type { JobLog } from './job-log.ts';
import type { Masks } from './masks.ts';
import { sessionLives, trackingVariable } from './orphans.ts';
import type { TemplateMap } from './template.ts';
import type { Step } from './workflow.ts';

/** What the runner gives to every job. */
export type Host = {
  control: Control;
  /** Absolute; holds `work/`, `open/` and `tools/`. */
  folder: string;
  name: string;
  labels: string[];
  /** Root of the running package, where the actions of roundhouse/roundhouse are read. */
  actionsRoot: string;
  /** From SIGINT by way of SIGTERM to SIGKILL, ms. */
  graceMs: number;
  /** How long a job may wait for a runner with its labels, ms. */
  queuedMs: number;
  /** Names of variables that jobs take over from the runner's own environment. */
  passEnv: string[];
  log: (line: string) => void;
};

type JobFolders = { root: string; workspace: string; temp: string; home: string; tools: string };
export type StepOutcome = 'success' | 'failure' | 'cancelled' | 'skipped';
type PostStep = {
  name: string;
  condition: string;
  frame: Frame;
  perform: (signal: AbortSignal) => Promise<void>;
};

/** One running job, shared by its steps. */
export type Session = {
  host: Host;
  run: ClaimedRun;
  state: JobState;
  folders: JobFolders;
  contexts: { github: Record<string, Json>; needs: Json; matrix: Json; strategy: Json; secrets: Json };
  inputs: Json;
  defaults: TemplateMap;
  /** Workflow and job `env:`, then what steps wrote to GITHUB_ENV. */
  env: Record<string, string>;
  /** What steps wrote to GITHUB_PATH, the newest last. */
  path: string[];
  token: string;
  log: JobLog;
  masks: Masks;
  changed: () => void;
  /** Fires when the job is cancelled or runs out of time. */
  stop: AbortSignal;
  /** The end of patience with steps that run although the job was stopped. */
  end: AbortSignal;
  posts: PostStep[];
  /** What an action saved for its later phases, by step. */
  actionState: Map<Step, Record<string, string>>;
  /** Actions of which the log has said where they come from. */
  announced: Set<string>;
  tracking: string;
  sessions: Set<number>;
};

/** Where a list of steps runs: the job itself, or a composite action inside it. */
export type Frame = {
  inputs: Json;
  steps: Record<string, { outputs: Record<string, string>; outcome: StepOutcome; conclusion: StepOutcome }>;
  env: Record<string, string>;
  action: { path: string; repository: string; ref: string } | null;
  failed: boolean;
  /** How many composite actions deep. */
  depth: number;
  /** Fires when its steps must end. */
  stop: AbortSignal;
};

export function jobFrame(session: Session): Frame {
  return {
    inputs: session.inputs,
    steps: {},
    env: {},
    action: null,
    failed: false,
    depth: 0,
    stop: session.stop,
  };
}

export function scopeOf(session: Session, frame: Frame, env: Record<string, string> = {}): Scope {
  const { github, needs, matrix, strategy, secrets } = session.contexts;
  const stopped = session.stop.aborted;
  const status = stopped ? 'cancelled' : frame.failed ? 'failure' : 'success';
  return {
    contexts: {
      github: {
        ...github,
        action_path: frame.action?.path ?? '',
        action_repository: frame.action?.repository ?? '',
        action_ref: frame.action?.ref ?? '',
        action_status: frame.depth > 0 ? status : '',
      },
      env: { ...session.env, ...frame.env, ...env },
      vars: session.run.vars,
      secrets,
      inputs: frame.inputs,
      needs,
      matrix,
      strategy,
      steps: frame.steps,
      job: { status },
      runner: {
        name: session.host.name,
        os: runnerOs(),
        arch: process.arch.toUpperCase(),
        temp: session.folders.temp,
        tool_cache: session.folders.tools,
        environment: 'self-hosted',
        debug: session.run.debug ? '1' : '',
      },
    },
    functions: {
      success: () => status === 'success',
      failure: () => status === 'failure',
      cancelled: () => stopped,
      hashFiles: (patterns) => hashFiles(patterns, session.folders.workspace),
    },
  };
}

/** GitHub's variables win over the workflow's: nothing in a workflow renames the run. */
export function childEnvironment(
  session: Session,
  frame: Frame,
  env: Record<string, string>,
): Record<string, string> {
  const taken = session.host.passEnv.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const own = { ...session.env, ...frame.env, ...env };
  const path = [...session.path.toReversed(), own.PATH ?? process.env.PATH ?? ''].join(delimiter);
  return {
    LANG: 'C.UTF-8',
    ...Object.fromEntries(taken),
    HOME: session.folders.home,
    // A job outside a checkout must not find the repository that its folder may lie in.
    GIT_CEILING_DIRECTORIES: session.folders.root,
    GIT_TERMINAL_PROMPT: '0',
    ...own,
    ...githubVariables(session, frame),
    CI: 'true',
    PATH: path,
    [trackingVariable]: session.tracking,
    ROUNDHOUSE_NOW: session.run.now,
    RUNNER_NAME: session.host.name,
    RUNNER_OS: runnerOs(),
    RUNNER_ARCH: process.arch.toUpperCase(),
    RUNNER_ENVIRONMENT: 'self-hosted',
    ...(session.run.debug && { RUNNER_DEBUG: '1' }),
    RUNNER_TEMP: session.folders.temp,
    RUNNER_TOOL_CACHE: session.folders.tools,
    RUNNER_WORKSPACE: resolve(session.folders.workspace, '..'),
  };
}

/** Runs a command of a step; its output is read by `onLine`. */
export async function runInJob(
  session: Session,
  input: {
    command: string;
    args: string[];
    cwd: string;
    env: Record<string, string>;
    signal: AbortSignal;
    onLine: (line: string) => void;
  },
): Promise<ChildResult> {
  let leader: number | null = null;
  const onStart = (pid: number) => {
    leader = pid;
    session.sessions.add(pid);
  };
  try {
    return await runChild({ ...input, graceMs: session.host.graceMs, onStart });
  } finally {
    if (leader !== null && !sessionLives(leader)) session.sessions.delete(leader);
  }
}

/** A path given by a workflow, which may not leave the workspace. */
export function workspacePath(session: Session, path: string): string {
  const absolute = resolve(session.folders.workspace, path);
  if (!isInside(session.folders.workspace, absolute))
    throw new Error(`The path '${path}' is outside the workspace.`);
  return absolute;
}

/** Parts of the context that no variable repeats. */
const unexported = ['event', 'token', 'action_path', 'repositoryUrl', 'secret_source'];

function githubVariables(session: Session, frame: Frame): Record<string, string> {
  const names = Object.entries(session.contexts.github).filter(([name]) => !unexported.includes(name));
  const variables = names.map(
    ([name, value]) => [`GITHUB_${name.toUpperCase()}`, String(value ?? '')] as const,
  );
  return {
    GITHUB_ACTIONS: 'true',
    ...Object.fromEntries(variables),
    ...(frame.action && {
      GITHUB_ACTION_PATH: frame.action.path,
      GITHUB_ACTION_REPOSITORY: frame.action.repository,
      GITHUB_ACTION_REF: frame.action.ref,
    }),
  };
}

/** sha256 over the sha256 of each file, in order of path; empty where nothing matches. */
function hashFiles(patterns: string[], workspace: string): string {
  const files = matchFiles(patterns, workspace);
  if (files.length === 0) return '';
  const all = createHash('sha256');
  for (const file of files)
    all.update(
      createHash('sha256')
        .update(new Uint8Array(readFileSync(file)))
        .digest(),
    );
  return all.digest('hex');
}

function runnerOs(): string {
  return { darwin: 'macOS', win32: 'Windows' }[process.platform as string] ?? 'Linux';
}
