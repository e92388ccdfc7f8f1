import { setMaxListeners } from 'node:events';
import type { ClaimedRun } from '../protocol.ts';
import { loadCalled } from './called.ts';
import { isLost, jobsAfterKill, lostMessage, readOpen, standing } from './open-runs.ts';
import { createReporter } from './reporter.ts';
import { executeRun } from './run.ts';
import type { Host } from './session.ts';
import type { Slots } from './slots.ts';
import { parseWorkflowFile } from './workflow.ts';

type Stops = { cancel: AbortController; force: AbortController; jobCancels: Map<string, AbortController> };

/** From the claim of a run to its end, or on from where a runner that was killed has left it. */
export async function conductRun(
  { host, slots, pollMs }: { host: Host; slots: Slots; pollMs: number },
  run: ClaimedRun,
  cancel: AbortController,
): Promise<void> {
  const { id, attempt } = run;
  const parsed = await parseWorkflowFile(run.workflow.path, run.workflow.text);
  const read = (path: string) => host.control.file(id, path);
  const loaded = parsed.ok ? await loadCalled({ run, workflow: parsed.workflow, read }) : parsed;
  if (!parsed.ok || !loaded.ok) {
    const message = ('errors' in loaded ? loaded.errors : []).join('\n');
    host.log(`run ${id} of ${run.workflow.path} cannot start: ${message}`);
    await host.control.update(id, { status: 'completed', conclusion: 'startup_failure', message, attempt });
    return;
  }
  const stops: Stops = { cancel, force: new AbortController(), jobCancels: new Map() };
  // Every job of the run listens, and there may be hundreds.
  setMaxListeners(0, cancel.signal, stops.force.signal);
  const former = readOpen(host.folder, run);
  if (former) await hearOfCancel(host, run, stops);
  const jobs = former ? jobsAfterKill(former, { at: new Date(), cancelled: cancel.signal.aborted }) : [];
  const reporter = createReporter({ ...host, id, attempt, standing: jobs });
  host.log(`run ${id} of ${run.workflow.path} ${former ? 'is taken up after a kill' : 'begins'}`);
  if (former?.end) return reporter.finish(former.end);

  const watch = setInterval(() => hearOfCancel(host, run, stops).catch(() => undefined), pollMs);
  try {
    const conclusion = await executeRun({
      ...{ host, workflow: parsed.workflow, reporter, slots, called: loaded.workflows },
      ...{ cancel, force: stops.force.signal, jobCancels: stops.jobCancels },
      run: { ...run, kept: { ...run.kept, ...standing(jobs) } },
    });
    const message = conclusion === 'failure' && jobs.some(isLost) ? lostMessage : undefined;
    await reporter.finish({ conclusion, ...(message && { message }) });
    host.log(`run ${id} of ${run.workflow.path} ends: ${conclusion}`);
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

async function hearOfCancel(
  host: Host,
  { id, attempt }: ClaimedRun,
  { cancel, force, jobCancels }: Stops,
): Promise<void> {
  const state = await host.control.state(id, attempt);
  for (const key of state.cancelled_jobs) jobCancels.get(key)?.abort('another job took its place');
  if (state.force) force.abort('the run was cancelled by force');
  if (state.cancelled && !cancel.signal.aborted) cancel.abort('the run was cancelled');
}
