import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClaimedRun } from '../protocol.ts';
import { loadCalled } from './called.ts';
import { createControl } from './control.ts';
import { ownUpToLostRuns } from './lost-runs.ts';
import { createReporter } from './reporter.ts';
import { executeRun } from './run.ts';
import type { Host } from './session.ts';
import { createSlots, type Slots } from './slots.ts';
import { parseWorkflowFile } from './workflow.ts';

export type JobRunnerOptions = {
  /** Origin of the local GitHub. */
  url: string;
  /** Control token, from `<dir>/secrets.json`. */
  control: string;
  /** The runner works in `<dir>/jobs`. */
  dir: string;
  labels?: string[];
  /** Jobs at once; 2 when not given. */
  parallel?: number;
  /** Root of the package whose actions jobs use. */
  actionsRoot?: string;
  log?: (line: string) => void;
  passEnv?: string[];
  /** From SIGINT by way of SIGTERM to SIGKILL, ms. */
  graceMs?: number;
  /** How long a job may wait for a runner with its labels, ms. */
  queuedMs?: number;
  /** How often a running run is asked whether it was cancelled, ms. */
  pollMs?: number;
};
export type JobRunner = { close(): Promise<void> };

/** One machine plays both of the workflows' runners, the one for the user's code and the one that judges it. */
export const defaultLabels = [
  'self-hosted',
  'linux',
  process.arch,
  'ubuntu-latest',
  'roundhouse-untrusted',
  'roundhouse-trusted',
];
/** Runs taken at once; most of them wait for a slot or a concurrency group. */
const maxOpenRuns = 100;
const claimWaitMs = 10_000;

/** Claims runs and executes their jobs until it is closed. */
export async function startJobRunner(options: JobRunnerOptions): Promise<JobRunner> {
  const closing = new AbortController();
  const host: Host = {
    control: createControl({ ...options, closing: closing.signal }),
    folder: resolve(options.dir, 'jobs'),
    name: `local-${hostname()}`,
    labels: options.labels ?? defaultLabels,
    actionsRoot: options.actionsRoot ?? packageRoot(),
    graceMs: options.graceMs ?? 10_000,
    queuedMs: options.queuedMs ?? 24 * 3_600_000,
    passEnv: options.passEnv ?? [],
    log: options.log ?? (() => undefined),
  };
  const desk: Desk = {
    host,
    slots: createSlots(options.parallel ?? 2),
    pollMs: options.pollMs ?? 1_000,
    open: new Map(),
  };
  await ownUpToLostRuns(host);
  const loop = claimRuns(desk, closing.signal);
  return {
    async close() {
      closing.abort();
      for (const { cancel } of desk.open.values()) cancel.abort('the runner is stopped');
      await loop;
      for (const { cancel } of desk.open.values()) cancel.abort('the runner is stopped');
      await Promise.all([...desk.open.values()].map(({ done }) => done));
    },
  };
}

type Desk = {
  host: Host;
  slots: Slots;
  pollMs: number;
  open: Map<string, { cancel: AbortController; done: Promise<void> }>;
};

async function claimRuns(desk: Desk, closing: AbortSignal): Promise<void> {
  const { host } = desk;
  let complaint = '';
  while (!closing.aborted) {
    if (desk.open.size >= maxOpenRuns) {
      await Promise.race([...desk.open.values()].map(({ done }) => done));
      continue;
    }
    try {
      const request = { runner: host.name, labels: host.labels, wait_ms: claimWaitMs };
      const run = await host.control.claim(request);
      complaint = '';
      if (run) openRun(desk, run);
    } catch (fault) {
      if (closing.aborted) return;
      const message = fault instanceof Error ? `${fault.message} ${fault.cause ?? ''}`.trim() : String(fault);
      if (message !== complaint) host.log(`no run can be claimed: ${message}`);
      complaint = message;
      await sleep(250);
    }
  }
}

function openRun(desk: Desk, run: ClaimedRun): void {
  const cancel = new AbortController();
  const key = `${run.id}-${run.attempt}`;
  const done = conductRun(desk, run, cancel)
    .catch((fault) =>
      desk.host.log(`run ${run.id}: ${fault instanceof Error ? (fault.stack ?? fault.message) : fault}`),
    )
    .finally(() => desk.open.delete(key));
  desk.open.set(key, { cancel, done });
}

async function conductRun(desk: Desk, run: ClaimedRun, cancel: AbortController): Promise<void> {
  const { host, slots } = desk;
  const parsed = await parseWorkflowFile(run.workflow.path, run.workflow.text);
  const read = (path: string) => host.control.file(run.id, path);
  const loaded = parsed.ok ? await loadCalled({ run, workflow: parsed.workflow, read }) : parsed;
  if (!parsed.ok || !loaded.ok) {
    const message = ('errors' in loaded ? loaded.errors : []).join('\n');
    host.log(`run ${run.id} of ${run.workflow.path} cannot start: ${message}`);
    await host.control.update(run.id, { status: 'completed', conclusion: 'startup_failure', message });
    return;
  }
  host.log(`run ${run.id} of ${run.workflow.path} begins`);
  const reporter = createReporter({
    control: host.control,
    id: run.id,
    attempt: run.attempt,
    folder: host.folder,
    log: host.log,
  });
  const force = new AbortController();
  // Every job of the run listens, and there may be hundreds.
  setMaxListeners(0, cancel.signal, force.signal);
  const jobCancels = new Map<string, AbortController>();
  const watch = watchCancel(desk, run.id, { cancel, force, jobCancels });
  try {
    const conclusion = await executeRun({
      host,
      run,
      workflow: parsed.workflow,
      reporter,
      slots,
      cancel,
      force: force.signal,
      jobCancels,
      called: loaded.workflows,
    });
    await reporter.finish({ conclusion });
    host.log(`run ${run.id} of ${run.workflow.path} ends: ${conclusion}`);
  } catch (fault) {
    await reporter.finish({
      conclusion: 'failure',
      message: fault instanceof Error ? fault.message : String(fault),
    });
    throw fault;
  } finally {
    clearInterval(watch);
  }
}

function watchCancel(
  { host, pollMs }: Desk,
  run: number,
  stops: {
    cancel: AbortController;
    force: AbortController;
    jobCancels: ReadonlyMap<string, AbortController>;
  },
): NodeJS.Timeout {
  const { cancel, force, jobCancels } = stops;
  return setInterval(async () => {
    const state = await host.control.state(run).catch(() => null);
    if (!state) return;
    for (const key of state.cancelled_jobs) jobCancels.get(key)?.abort('another job took its place');
    if (state.force) force.abort('the run was cancelled by force');
    if (state.cancelled && !cancel.signal.aborted) cancel.abort('the run was cancelled');
  }, pollMs);
}

/** Sources lie deep in the package, the bundle right below its root. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}
