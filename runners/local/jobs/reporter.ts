import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobState, RunUpdate } from '../protocol.ts';
import type { Control } from './control.ts';

/** Tells GitHub how a run goes, and the disk which run is open, so that a killed runner can own up to it. */
export type Reporter = {
  add(job: JobState): void;
  changed(job: JobState): void;
  /** Resolves once GitHub knows all that was said so far. */
  flush(): Promise<void>;
  finish(end: RunEnd): Promise<void>;
};

/** `end` is there once the run has ended but GitHub may not know it yet. */
export type OpenRun = { id: number; attempt: number; jobs: JobState[]; end?: RunEnd };
type RunEnd = Pick<RunUpdate, 'conclusion' | 'message'>;

const batchMs = 50;

export function openFolder(folder: string): string {
  return join(folder, 'open');
}

export function createReporter(input: {
  control: Control;
  id: number;
  attempt: number;
  folder: string;
  log: (line: string) => void;
}): Reporter {
  const { control, id, attempt, folder } = input;
  const jobs: JobState[] = [];
  const dirty = new Set<JobState>();
  const record = join(openFolder(folder), `${id}-${attempt}.json`);
  let timer: NodeJS.Timeout | null = null;
  let sending = Promise.resolve();
  save(record, { id, attempt, jobs });

  function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    if (dirty.size === 0) return sending;
    const begun = jobs.some((job) => job.status !== 'queued');
    const update: RunUpdate = { status: begun ? 'in_progress' : 'queued', jobs: structuredClone([...dirty]) };
    dirty.clear();
    save(record, { id, attempt, jobs });
    sending = sending
      .then(() => control.update(id, update))
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
    async finish(end) {
      await flush();
      save(record, { id, attempt, jobs, end });
      await control.update(id, { status: 'completed', ...end, jobs });
      rmSync(record, { force: true });
    },
  };
}

function save(path: string, open: OpenRun): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify(open));
  renameSync(`${path}.new`, path);
}
