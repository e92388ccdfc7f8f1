import type { ClaimedRun, JobState } from '../protocol.ts';
import type { Json } from './expression.ts';
import type { Host } from './session.ts';
import type { Job, Workflow } from './workflow.ts';

export type JobResult = 'success' | 'failure' | 'cancelled' | 'skipped';
export type JobOutcome = { result: JobResult; outputs: Record<string, string> };

export type JobPlan = {
  host: Host;
  run: ClaimedRun;
  workflow: Workflow;
  job: Job;
  timeoutMinutes: number;
  state: JobState;
  contexts: { github: Record<string, Json>; inputs: Json; needs: Json; matrix: Json; strategy: Json };
  /** Fires when the job is cancelled. */
  cancel: AbortSignal;
  /** Fires when nothing more may run in it. */
  force: AbortSignal;
  changed: () => void;
};
