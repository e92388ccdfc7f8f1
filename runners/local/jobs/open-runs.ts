import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClaimedRun, JobState, RunUpdate } from '../protocol.ts';
import { trackingPrefix } from './open-session.ts';
import { killOrphans } from './orphans.ts';
import type { Host } from './session.ts';

/** `end` is there once the run has ended but GitHub may not know it yet. */
export type OpenRun = { id: number; attempt: number; jobs: JobState[]; end?: RunEnd };
export type RunEnd = Pick<RunUpdate, 'conclusion' | 'message'>;

export const lostMessage = 'The runner was lost.';

/**
 * `<dir>/jobs/open/<run>-<attempt>.json`: how far each run has come, on the disk before a job of it begins, so
 * that a runner that was killed knows which jobs it must not run again.
 */
function openPath(folder: string, { id, attempt }: Pick<OpenRun, 'id' | 'attempt'>): string {
  return join(folder, 'open', `${id}-${attempt}.json`);
}

export function saveOpen(folder: string, open: OpenRun): void {
  const path = openPath(folder, open);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify(open));
  renameSync(`${path}.new`, path);
}

/** Null where this runner has not begun with the run. */
export function readOpen(folder: string, run: Pick<ClaimedRun, 'id' | 'attempt'>): OpenRun | null {
  let text: string;
  try {
    text = readFileSync(openPath(folder, run), 'utf8');
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fault;
  }
  return JSON.parse(text) as OpenRun;
}

export function removeOpen(folder: string, run: Pick<OpenRun, 'id' | 'attempt'>): void {
  rmSync(openPath(folder, run), { force: true });
}

/** Those of runs that GitHub has ended meanwhile. */
export function removeOthers(folder: string, held: readonly ClaimedRun[]): void {
  const open = join(folder, 'open');
  mkdirSync(open, { recursive: true });
  const kept = new Set(held.map((run) => openPath(folder, run)));
  for (const name of readdirSync(open)) {
    if (!kept.has(join(open, name))) rmSync(join(open, name), { force: true });
  }
}

/** After a kill: ends the processes that are left of former jobs, and removes their folders. */
export async function clearWork(host: Pick<Host, 'folder'>): Promise<void> {
  const work = join(host.folder, 'work');
  await killOrphans({ tracking: trackingPrefix(host.folder), sessions: new Set(), folder: work });
  rmSync(work, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * The jobs of a run that its killed runner had begun with. Those under way are lost: they failed, as on GitHub,
 * or were cancelled where that was asked for. What had not begun is not among them, and is run as if nothing had
 * happened.
 */
export function jobsAfterKill(former: OpenRun, now: { at: Date; cancelled: boolean }): JobState[] {
  return former.jobs.filter((job) => job.status !== 'queued').map((job) => endedByKill(job, now));
}

function endedByKill(job: JobState, now: { at: Date; cancelled: boolean }): JobState {
  if (job.status === 'completed') return job;
  const at = now.at.toISOString();
  const conclusion = now.cancelled ? 'cancelled' : 'failure';
  return {
    ...job,
    status: 'completed',
    conclusion,
    completed_at: at,
    annotations: [...job.annotations, { level: 'failure', message: lostMessage }],
    steps: job.steps.map((step) =>
      step.status === 'completed'
        ? step
        : {
            ...step,
            status: 'completed',
            conclusion: step.status === 'in_progress' ? conclusion : 'skipped',
            completed_at: at,
          },
    ),
  };
}

export function isLost({ annotations }: JobState): boolean {
  return annotations.some(({ message }) => message === lostMessage);
}

/** What the engine needs to know of jobs that are not run again. */
export function standing(jobs: readonly JobState[]): ClaimedRun['kept'] {
  return Object.fromEntries(
    jobs.map(({ key, conclusion, outputs = {} }) => [key, { result: conclusion ?? 'failure', outputs }]),
  );
}
