/**
 * The wire between the local GitHub and its job runner: what github.com and its runner say to each other
 * privately. All paths are under `<origin>/_local/`, loopback only, with the header
 * `x-roundhouse-local: <control token>` (from `<dir>/secrets.json`, key `control`).
 *
 *   POST   /_local/runner/claim            {runner, labels, wait_ms}      -> 200 ClaimedRun | 204
 *   GET    /_local/runner/runs?runner=     -> 200 [ClaimedRun]  (that this runner took and that have not ended)
 *   PATCH  /_local/runs/:id                RunUpdate                      -> 204   (jobs appear and change)
 *   POST   /_local/runs/:id/jobs/:key/log  text/plain, appended           -> 204
 *   POST   /_local/runs/:id/token          {permissions}                  -> 200 {token}  (a job's GITHUB_TOKEN)
 *   GET    /_local/runs/:id/artifacts      -> 200 [{name, size_in_bytes, digest}]
 *   GET    /_local/runs/:id/artifacts/:name -> 200 zip | 404
 *   PUT    /_local/runs/:id/artifacts/:name zip bytes                     -> 201 {id} | 409 (names are unique per run)
 *   GET    /_local/runs/:id/state?attempt= -> 200 RunState
 *   GET    /_local/runs/:id/file?path=     -> 200 text of the run's own commit | 404  (a called workflow)
 *   POST   /_local/runs/:id/jobs/:key/turn TurnRequest                    -> 200 TurnAnswer  (concurrency, environment)
 *   GET    /_local/clock                   -> 200 {now}
 *   POST   /_local/clock                   {now}                          -> 200 {fired: number}
 *   GET    /_local/idle                    -> 200 {runs_open, deliveries_pending}
 */
export type PermissionLevel = 'read' | 'write' | 'none';
/** Names as in REST, with underscores: `pull_requests`. */
export type Permissions = Record<string, PermissionLevel>;

export type ClaimedRun = {
  id: number;
  attempt: number;
  workflow: { path: string; text: string };
  event:
    | 'workflow_dispatch'
    | 'schedule'
    | 'push'
    | 'pull_request'
    | 'merge_group'
    | 'repository_dispatch'
    | 'issues'
    | 'issue_comment';
  /** The webhook-shaped payload jobs find at GITHUB_EVENT_PATH. */
  event_payload: unknown;
  repository: { id: number; owner: string; name: string; default_branch: string; private: boolean };
  actor: string;
  triggering_actor: string;
  ref: string;
  ref_name: string;
  ref_type: 'branch' | 'tag';
  sha: string;
  base_ref: string;
  head_ref: string;
  run_number: number;
  inputs: Record<string, string>;
  vars: Record<string, string>;
  secrets: Record<string, string>;
  /** Addresses, as in GitHub Enterprise Server. */
  server_url: string;
  api_url: string;
  /** ISO 8601; the local clock when the run was created, given to jobs as ROUNDHOUSE_NOW. */
  now: string;
  /** Permissions of GITHUB_TOKEN where the workflow says nothing (the repository's setting). */
  default_permissions: Permissions;
  /** Jobs of the attempt before whose results stand: a re-run of some jobs leaves them out. By key. */
  kept: Record<string, { result: NonNullable<JobState['conclusion']>; outputs: Record<string, string> }>;
  /** Debug lines are wanted: a re-run with `enable_debug_logging`. */
  debug: boolean;
};

/**
 * What a running run is told: whether it, or some of its jobs by key, were cancelled; `force` lets nothing more
 * run. An attempt that has ended, as one whose runner was silent for too long, counts as cancelled.
 */
export type RunState = { cancelled: boolean; force: boolean; cancelled_jobs: string[] };

/** Asked by a job before it takes a runner, again and again until the answer is not `wait`. */
export type TurnRequest = {
  name: string;
  concurrency: { group: string; cancel_in_progress: boolean; queue: 'single' | 'max' } | null;
  environment: { name: string; deployment: boolean } | null;
  wait_ms: number;
};

/** `go` brings what the environment lends. */
export type TurnAnswer =
  | { state: 'go'; secrets: Record<string, string>; vars: Record<string, string> }
  | { state: 'wait' | 'cancelled' }
  | { state: 'refused'; message: string };

export type StepState = {
  number: number;
  name: string;
  status: 'queued' | 'in_progress' | 'completed';
  conclusion: 'success' | 'failure' | 'skipped' | 'cancelled' | null;
  started_at: string | null;
  completed_at: string | null;
};

export type JobState = {
  /** Unique in the run: the YAML key, with the matrix index appended where there is a matrix: `train-2`, in a called workflow `call.train-2`. */
  key: string;
  name: string;
  labels: string[];
  status: 'queued' | 'in_progress' | 'completed';
  conclusion: 'success' | 'failure' | 'skipped' | 'cancelled' | 'timed_out' | null;
  started_at: string | null;
  completed_at: string | null;
  runner_name: string | null;
  steps: StepState[];
  /** Annotations made with ::error, ::warning, ::notice. */
  annotations: {
    level: 'failure' | 'warning' | 'notice';
    message: string;
    title?: string;
    path?: string;
    line?: number;
    end_line?: number;
    /** Only where begin and end are on one line. */
    start_column?: number;
    end_column?: number;
  }[];
  /** Markdown of GITHUB_STEP_SUMMARY. */
  summary: string;
  /** What the jobs that need this one, and a later re-run, read. */
  outputs?: Record<string, string>;
  /** The evaluated `environment.url`, once the steps have ended. */
  environment_url?: string;
};

export type RunUpdate = {
  /** Of the run, as it was claimed: what is said of another attempt changes nothing. */
  attempt?: number;
  status?: 'queued' | 'in_progress' | 'completed';
  conclusion?: 'success' | 'failure' | 'cancelled' | 'startup_failure' | null;
  /** Why the workflow file could not start, shown on the run's page. */
  message?: string;
  jobs?: JobState[];
};

/** `<dir>/secrets.json`, mode 0600: made anew by every `demo`, read by every child. */
export type LocalSecrets = {
  /** Value of the x-roundhouse-local header. */
  control: string;
  app: { id: number; slug: string; private_key: string; webhook_secret: string };
  /** Personal tokens by login. */
  tokens: Record<string, string>;
  /** Bearer token of the supervisor's control interface. */
  supervisor: string;
};
