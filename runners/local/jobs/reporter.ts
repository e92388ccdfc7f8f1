import type { JobState, RunUpdate } from '../protocol.ts';
import type { Control } from './control.ts';
import { type RunEnd, removeOpen, saveOpen } from './open-runs.ts';

/** Tells GitHub how a run goes, and the disk how far it has come, so that a killed runner can own up to it. */
export type Reporter = {
  add(job: JobState): void;
  /** The job begins: from here on, with the disk knowing it, it is never begun again. */
  begin(job: JobState): void;
  changed(job: JobState): void;
  /** Resolves once GitHub knows all that was said so far. */
  flush(): Promise<void>;
  finish(end: RunEnd): Promise<void>;
};

const batchMs = 50;

export function createReporter(input: {
  control: Control;
  id: number;
  attempt: number;
  folder: string;
  /** What a former life of the runner has to tell. */
  standing: JobState[];
  log: (line: string) => void;
}): Reporter {
  const { control, id, attempt, folder } = input;
  const jobs: JobState[] = [...input.standing];
  const dirty = new Set<JobState>(jobs);
  let timer: NodeJS.Timeout | null = null;
  let sending = Promise.resolve();
  const save = (end?: RunEnd) => saveOpen(folder, { id, attempt, jobs, ...(end && { end }) });
  save();

  function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    if (dirty.size === 0) return sending;
    const begun = jobs.some((job) => job.status !== 'queued');
    const update: RunUpdate = { status: begun ? 'in_progress' : 'queued', jobs: structuredClone([...dirty]) };
    dirty.clear();
    save();
    sending = sending
      .then(() => control.update(id, { ...update, attempt }))
      .catch((fault) => input.log(`run ${id}: ${fault}`));
    return sending;
  }
  function changed(job: JobState): void {
    dirty.add(job);
    timer ??= setTimeout(flush, batchMs);
  }

  return {
    changed,
    flush,
    add(job) {
      jobs.push(job);
      changed(job);
    },
    begin(job) {
      save();
      changed(job);
    },
    async finish(end) {
      await flush();
      save(end);
      await control.update(id, { status: 'completed', ...end, attempt, jobs });
      removeOpen(folder, { id, attempt });
    },
  };
}
