import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { JobState } from '../protocol.ts';
import { trackingPrefix } from './open-session.ts';
import { killOrphans } from './orphans.ts';
import { type OpenRun, openFolder } from './reporter.ts';
import type { Host } from './session.ts';

const lostMessage = 'The runner was lost.';

/** After a kill: ends what is left of former jobs and reports their runs as failed, as GitHub does. */
export async function ownUpToLostRuns(host: Host): Promise<void> {
  const work = join(host.folder, 'work');
  await killOrphans({ tracking: trackingPrefix(host.folder), sessions: new Set(), folder: work });
  rmSync(work, { recursive: true, force: true, maxRetries: 3 });
  mkdirSync(openFolder(host.folder), { recursive: true });
  for (const name of readdirSync(openFolder(host.folder))) {
    const path = join(openFolder(host.folder), name);
    if (name.endsWith('.json')) await reportLost(host, path);
    rmSync(path, { force: true });
  }
}

async function reportLost(host: Host, path: string): Promise<void> {
  const open = JSON.parse(readFileSync(path, 'utf8')) as OpenRun;
  const end = open.end ?? { conclusion: 'failure' as const, message: lostMessage };
  host.log(`run ${open.id} was open when the runner stopped; it is reported as ended: ${end.conclusion}`);
  try {
    const jobs = open.jobs.map((job) => lost(job, new Date().toISOString()));
    await host.control.update(open.id, { status: 'completed', ...end, jobs });
  } catch (fault) {
    host.log(`run ${open.id}: ${fault}`);
  }
}

function lost(job: JobState, now: string): JobState {
  if (job.status === 'completed') return job;
  return {
    ...job,
    status: 'completed',
    conclusion: job.started_at === null ? 'cancelled' : 'failure',
    completed_at: now,
    annotations: [...job.annotations, { level: 'failure', message: lostMessage }],
    steps: job.steps.map((step) =>
      step.status === 'completed'
        ? step
        : {
            ...step,
            status: 'completed',
            conclusion: step.status === 'in_progress' ? 'failure' : 'skipped',
            completed_at: now,
          },
    ),
  };
}
