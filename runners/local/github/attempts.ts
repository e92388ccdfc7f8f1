import { type Hub, timestamp } from './hub.ts';
import type { Job, Run } from './rows/run.ts';
import { admit, jobsOf, runEvent } from './runs.ts';
import { jobNeeds } from './workflow-file.ts';

/** What is run again: all, what failed and needs it, or one job and what needs it. */
export type Again = { jobs: 'all' | 'failed' | { key: string }; actor: string; debug: boolean };

/**
 * The same run again, on the same commit and inputs, as its next attempt: `workflow_run.requested` is not
 * sent for it. The attempt before stays readable, and so do all artifacts.
 */
export async function rerun(hub: Hub, run: Run, again: Again): Promise<void> {
  const kept = keptJobs(run, jobsOf(hub, run), again.jobs);
  hub.db.put('attempts', `${run.id}/${run.attempt}`, structuredClone(run));
  const now = timestamp();
  const { claimed_by, message, conclusion } = { claimed_by: null, message: null, conclusion: null };
  Object.assign(run, {
    ...{ attempt: run.attempt + 1, triggering_actor: again.actor, status: 'queued', claimed_by, message },
    ...{ cancel_requested: false, force_cancel: false, conclusion, debug: again.debug },
    ...{ kept: Object.fromEntries(kept.map((job) => [job.key, resultOf(job)])) },
    ...{ run_started_at: now, updated_at: now },
  });
  hub.db.put('runs', run.id, run);
  // A job that is not run again is shown in the new attempt as it was.
  for (const job of kept) {
    const id = hub.db.nextId();
    hub.db.put('jobs', id, { ...job, id, attempt: run.attempt });
  }
  await admit(await runEvent(hub, run));
}

function resultOf({ conclusion, outputs = {} }: Job) {
  return { result: conclusion ?? ('failure' as const), outputs };
}

/** Of a matrix only the jobs that failed run again; what needs a job that runs again does so, too. */
export function keptJobs(run: Pick<Run, 'workflow_text'>, jobs: Job[], again: Again['jobs']): Job[] {
  if (again === 'all') return [];
  const chosen = jobs.filter((job) =>
    again === 'failed' ? !['success', 'skipped'].includes(job.conclusion ?? '') : job.key === again.key,
  );
  const needs = jobNeeds(run.workflow_text);
  const causes = new Set(chosen.map(({ key }) => entryOf(key, needs)));
  const heirs = new Set<string>();
  for (let size = -1; size < heirs.size; ) {
    size = heirs.size;
    for (const [id, needed] of needs)
      if (needed.some((other) => causes.has(other) || heirs.has(other))) heirs.add(id);
  }
  return jobs.filter((job) => !chosen.includes(job) && !heirs.has(entryOf(job.key, needs)));
}

/** The entry of `jobs:` that a job belongs to: keys are `train`, `train-3` in a matrix, `call.train` in a called workflow. */
function entryOf(key: string, needs: ReadonlyMap<string, string[]>): string {
  const top = key.split('.')[0] ?? '';
  return needs.has(top) ? top : top.replace(/-\d+$/, '');
}
