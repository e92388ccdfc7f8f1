import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClaimedRun } from '../protocol.ts';
import { conductRun } from './conduct.ts';
import { createControl } from './control.ts';
import { clearWork, removeOthers } from './open-runs.ts';
import type { Host } from './session.ts';
import { createSlots, type Slots } from './slots.ts';

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
  const folder = resolve(options.dir, 'jobs');
  const host: Host = {
    control: createControl({ ...options, closing: closing.signal }),
    folder,
    name: `local-${hostname()}-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}`,
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
  await clearWork(host);
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
  // A run that was given to us while we were killed, or whose answer was lost on the way, is ours.
  let knowsItsRuns = false;
  while (!closing.aborted) {
    if (desk.open.size >= maxOpenRuns) {
      await Promise.race([...desk.open.values()].map(({ done }) => done));
      continue;
    }
    try {
      if (!knowsItsRuns) await takeUpHeld(desk);
      knowsItsRuns = true;
      const request = { runner: host.name, labels: host.labels, wait_ms: claimWaitMs };
      const run = await host.control.claim(request);
      complaint = '';
      if (run) openRun(desk, run);
    } catch (fault) {
      if (closing.aborted) return;
      const message = fault instanceof Error ? `${fault.message} ${fault.cause ?? ''}`.trim() : String(fault);
      if (message !== complaint) host.log(`no run can be claimed: ${message}`);
      complaint = message;
      knowsItsRuns = false;
      await sleep(250);
    }
  }
}

/** Goes on with the runs that GitHub gave to this runner and that it does not have in hand. */
async function takeUpHeld(desk: Desk): Promise<void> {
  const { host, open } = desk;
  const held = await host.control.held(host.name);
  if (open.size === 0) removeOthers(host.folder, held);
  for (const run of held) openRun(desk, run);
}

function openRun(desk: Desk, run: ClaimedRun): void {
  const cancel = new AbortController();
  const key = `${run.id}-${run.attempt}`;
  if (desk.open.has(key)) return;
  const done = conductRun(desk, run, cancel)
    .catch((fault) =>
      desk.host.log(`run ${run.id}: ${fault instanceof Error ? (fault.stack ?? fault.message) : fault}`),
    )
    .finally(() => desk.open.delete(key));
  desk.open.set(key, { cancel, done });
}

/** Sources lie deep in the package, the bundle right below its root. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}
