import type { ClaimedRun, JobState } from '../../protocol.ts';

export type Workflow = {
  id: number;
  repository_id: number;
  path: string;
  name: string;
  state: 'active' | 'disabled_manually' | 'deleted';
  created_at: string;
  updated_at: string;
};

/** `pending` waits for its concurrency group, `waiting` for the rules of an environment. */
type RunStatus = 'queued' | 'in_progress' | 'completed' | 'pending' | 'waiting';

export type Run = {
  id: number;
  repository_id: number;
  workflow_id: number;
  path: string;
  workflow_text: string;
  name: string;
  display_title: string;
  run_number: number;
  attempt: number;
  event: ClaimedRun['event'];
  event_payload: unknown;
  actor: string;
  triggering_actor: string;
  ref: string;
  sha: string;
  base_ref: string;
  head_ref: string;
  /** What GitHub prints as head_branch and head_sha: of the pull request's head where there is one. */
  head_branch: string;
  head_sha: string;
  pull_numbers: number[];
  /** Id of the fork that the head is in: then its jobs read, and get no secrets. */
  from_fork?: number;
  inputs: Record<string, string>;
  now: string;
  suite_id: number;
  status: RunStatus;
  conclusion: string | null;
  message: string | null;
  claimed_by: string | null;
  cancel_requested: boolean;
  /** Cancelled without regard to steps and jobs that would run all the same. */
  force_cancel?: boolean | undefined;
  /** Jobs of the attempt before that are not run again, by key. */
  kept?: ClaimedRun['kept'] | undefined;
  /** A re-run that was asked for its debug lines. */
  debug?: boolean | undefined;
  /** Keys of the GITHUB_TOKENs given to its jobs. */
  token_keys: string[];
  created_at: string;
  run_started_at: string;
  updated_at: string;
};

export type Job = Omit<JobState, 'status'> & {
  status: RunStatus;
  id: number;
  run_id: number;
  attempt: number;
  repository_id: number;
  check_id: number;
  created_at: string;
};

/** One concurrency group: at most one member runs, the others wait in order. A member is a run (`17`) or one of its jobs (`17/train`). */
export type Group = { running: string | null; waiting: string[] };

/** A job that waits for its concurrency group, then for the rules of its environment. */
export type Turn = {
  /** `<run>/<job key>`. */
  id: string;
  run_id: number;
  attempt: number;
  repository_id: number;
  key: string;
  state: 'pending' | 'waiting' | 'ready' | 'cancelled' | 'refused';
  message: string | null;
  environment_id: number | null;
  /** Null when the environment makes no deployment (`deployment: false`). */
  deployment_id: number | null;
  approved: boolean;
  /** When the environment began to hold the job back. */
  since: string | null;
};

export type Artifact = {
  id: number;
  repository_id: number;
  run_id: number;
  name: string;
  size: number;
  sha256: string;
  created_at: string;
  updated_at: string;
  expires_at: string;
  deleted: boolean;
};
