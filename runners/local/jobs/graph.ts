import type { ClaimedRun, JobState } from '../protocol.ts';
import type { Json } from './expression.ts';
import type { JobOutcome } from './job-plan.ts';
import type { Reporter } from './reporter.ts';
import type { Host } from './session.ts';
import type { Slots } from './slots.ts';
import type { Workflow } from './workflow.ts';

export type RunInput = {
  host: Host;
  run: ClaimedRun;
  workflow: Workflow;
  reporter: Reporter;
  slots: Slots;
  cancel: AbortController;
  /** Fires when nothing more may run, whatever its condition says. */
  force: AbortSignal;
  /** What stops single jobs, by key. */
  jobCancels: Map<string, AbortController>;
  /** The workflows that jobs call, by path, read before the run began. */
  called: ReadonlyMap<string, Workflow>;
};

/** How a called workflow stands in its caller. */
export type Call = {
  /** The calling job's key and name, which those of its jobs begin with. */
  key: string;
  name: string;
  inputs: Record<string, Json>;
  /** Stops its jobs. */
  cancel: AbortSignal;
};

export type Graph = RunInput & {
  contexts: { github: Record<string, Json>; inputs: Json; vars: Json };
  call: Call | null;
  /** Runs a job once, however many others need it. */
  outcome: (id: string) => Promise<JobOutcome>;
};

export function newJobState(key: string, name: string): JobState {
  return {
    key,
    name,
    labels: [],
    status: 'queued',
    conclusion: null,
    started_at: null,
    completed_at: null,
    runner_name: null,
    steps: [],
    annotations: [],
    summary: '',
  };
}
