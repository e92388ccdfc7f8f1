import type { ClaimedRun, JobState } from '../protocol.ts';
import type { Concurrency } from './concurrency.ts';
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
  concurrency: Concurrency;
  cancel: AbortController;
};

export type Graph = RunInput & {
  contexts: { github: Record<string, Json>; inputs: Json; vars: Json };
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
