import type { ClaimedRun, JobState, Permissions } from '../protocol.ts';

/** The rows of the local GitHub's state. Times are ISO 8601 with seconds, as GitHub prints them. */
export type Role = 'read' | 'triage' | 'write' | 'maintain' | 'admin';

export type Account = {
  id: number;
  login: string;
  type: 'User' | 'Organization' | 'Bot';
  created_at: string;
};

export type Label = { id: number; name: string; color: string; description: string | null };

export type Milestone = {
  id: number;
  number: number;
  title: string;
  description: string | null;
  state: 'open' | 'closed';
  due_on: string | null;
  creator: string;
  created_at: string;
  updated_at: string;
};

export type RequiredCheck = { context: string; integration_id?: number | undefined };

export type QueueSettings = {
  check_response_timeout_minutes: number;
  grouping_strategy: 'ALLGREEN' | 'HEADGREEN';
  max_entries_to_build: number;
  max_entries_to_merge: number;
  merge_method: 'MERGE' | 'SQUASH';
  min_entries_to_merge: number;
  min_entries_to_merge_wait_minutes: number;
};

export type Rule =
  | { type: 'creation' | 'update' | 'deletion' | 'required_signatures' | 'non_fast_forward' }
  | {
      type: 'required_status_checks';
      parameters: {
        required_status_checks: RequiredCheck[];
        strict_required_status_checks_policy: boolean;
        do_not_enforce_on_create: boolean;
      };
    }
  | {
      type: 'pull_request';
      parameters: {
        required_approving_review_count: number;
        dismiss_stale_reviews_on_push: boolean;
        require_last_push_approval: boolean;
        require_code_owner_review: boolean;
        required_review_thread_resolution: boolean;
      };
    }
  | { type: 'merge_queue'; parameters: QueueSettings };

export type BypassActor = {
  /** Of an app, a role (2 maintain, 4 write, 5 admin) or an account. */
  actor_id: number | null;
  actor_type: 'Integration' | 'OrganizationAdmin' | 'RepositoryRole' | 'User';
  bypass_mode: 'always' | 'pull_request';
};

export type Ruleset = {
  id: number;
  name: string;
  target: 'branch' | 'tag';
  /** fnmatch patterns over full ref names; `~DEFAULT_BRANCH` and `~ALL` as on GitHub. */
  include: string[];
  exclude: string[];
  rules: Rule[];
  enforcement: 'active' | 'disabled' | 'evaluate';
  /** Who may do it all the same. */
  bypass_actors: BypassActor[];
  created_at: string;
  updated_at: string;
};

export type Repository = {
  id: number;
  owner: string;
  name: string;
  private: boolean;
  description: string | null;
  default_branch: string;
  /** The repository that this one was forked from. */
  fork_of?: number;
  /** A private repository is forked only where this says so. */
  allow_forking?: boolean;
  /** Assets and tag of a release are frozen when it is published. */
  immutable_releases?: boolean | undefined;
  /** Tags of releases that were published like that: also of those deleted since. */
  frozen_tags?: string[];
  /** Heads are deleted once merged. */
  delete_branch_on_merge?: boolean;
  created_at: string;
  pushed_at: string;
  /** Issues and pull requests share one sequence. */
  last_number: number;
  last_milestone: number;
  collaborators: Record<string, Role>;
  labels: Label[];
  milestones: Milestone[];
  rulesets: Ruleset[];
  vars: Record<string, string>;
  secrets: Record<string, string>;
  /** GITHUB_TOKEN where a workflow says nothing. */
  default_permissions: 'read' | 'write';
  archived?: boolean;
  /** The setting "Allow GitHub Actions to create and approve pull requests": off, as on GitHub. */
  actions_may_open_pulls: boolean;
  /** What is paid for decides which rules an environment of a private repository may have; enterprise when not set. */
  plan?: Plan | undefined;
  /** Allow-lists of workflow execution protections: all that match a workflow file have to let a run through. */
  protections?: ExecutionProtection[] | undefined;
};

export type Plan = 'free' | 'pro' | 'team' | 'enterprise';

/** What is left out allows all. `workflows` are globs over paths; left out = every file. */
export type ExecutionProtection = {
  workflows?: string[] | undefined;
  events?: string[] | undefined;
  actors?: string[] | undefined;
};

export type App = {
  id: number;
  slug: string;
  name: string;
  owner: string;
  client_id: string;
  public_key: string;
  webhook_url: string;
  webhook_secret: string;
  permissions: Permissions;
  events: string[];
  created_at: string;
};

export type Installation = {
  id: number;
  app_id: number;
  account: string;
  repository_ids: number[];
  suspended_at?: string | null;
  /** What its owner accepted, where the app asks for more by now. */
  permissions?: Permissions;
  created_at: string;
};

/** Kept by the sha256 of the token, never by the token. */
type Token =
  | { kind: 'user'; login: string }
  | {
      kind: 'installation';
      installation_id: number;
      permissions: Permissions;
      repository_ids: number[];
      expires_at: string;
    }
  | {
      kind: 'job';
      run_id: number;
      attempt: number;
      repository_id: number;
      permissions: Permissions;
      expires_at: string;
    };

type Pull = {
  head_ref: string;
  head_sha: string;
  /** Where the head is in a fork. The fork may be gone. */
  fork?: { repository_id: number; owner: string };
  base_ref: string;
  base_sha: string;
  draft: boolean;
  mergeable: boolean;
  /** The test merge while open, the merge commit once merged. */
  merge_commit_sha: string | null;
  merged_at: string | null;
  merged_by: string | null;
  /** Set before the base moves, so that a crash in between ends in the same place. */
  merging: { sha: string; by: string } | null;
  requested_reviewers: string[];
};

export type Issue = {
  id: number;
  repository_id: number;
  number: number;
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  state_reason: 'completed' | 'not_planned' | 'reopened' | null;
  user: string;
  labels: string[];
  assignees: string[];
  milestone: number | null;
  locked: boolean;
  lock_reason?: string | null;
  reactions?: Reaction[];
  /** Id of the app that wrote it, where one did. */
  via_app: number | null;
  created_at: string;
  updated_at: string;
  closed_at: string | null;
  closed_by: string | null;
  pull: Pull | null;
};

export type Reaction = { id: number; user: string; content: string; created_at: string };

export type Comment = {
  id: number;
  repository_id: number;
  issue_number: number;
  user: string;
  via_app: number | null;
  body: string;
  created_at: string;
  updated_at: string;
  reactions: Reaction[];
  /** Why it is folded away, where it is. */
  minimized?: string | null;
};

export type Review = {
  id: number;
  repository_id: number;
  pull_number: number;
  user: string;
  body: string;
  state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED' | 'PENDING';
  commit_id: string;
  submitted_at: string | null;
};

/** On a line of the diff, or on a file of it. Not shown before its review is submitted. */
export type ReviewComment = {
  id: number;
  repository_id: number;
  pull_number: number;
  review_id: number;
  user: string;
  via_app: number | null;
  body: string;
  path: string;
  line: number | null;
  side: 'LEFT' | 'RIGHT';
  start_line: number | null;
  commit_id: string;
  diff_hunk: string;
  in_reply_to: number | null;
  created_at: string;
  updated_at: string;
};

export type Annotation = {
  path: string;
  start_line: number;
  end_line: number;
  start_column?: number | undefined;
  end_column?: number | undefined;
  annotation_level: 'notice' | 'warning' | 'failure';
  message: string;
  title?: string | undefined;
  raw_details?: string | undefined;
};

export type CheckRun = {
  id: number;
  repository_id: number;
  suite_id: number;
  app_id: number;
  name: string;
  head_sha: string;
  external_id: string;
  details_url: string;
  status: 'queued' | 'in_progress' | 'completed' | 'waiting' | 'requested' | 'pending';
  conclusion: string | null;
  started_at: string;
  completed_at: string | null;
  output: { title: string | null; summary: string | null; text: string | null };
  annotations: Annotation[];
  actions: { label: string; description: string; identifier: string }[];
};

export type CommitStatus = {
  id: number;
  repository_id: number;
  sha: string;
  context: string;
  state: 'error' | 'failure' | 'pending' | 'success';
  description: string | null;
  target_url: string | null;
  creator: string;
  created_at: string;
  updated_at: string;
};

export type Deployment = {
  id: number;
  repository_id: number;
  sha: string;
  ref: string;
  task: string;
  payload: unknown;
  environment: string;
  original_environment: string;
  description: string | null;
  creator: string;
  via_app: number | null;
  transient_environment: boolean;
  production_environment: boolean;
  created_at: string;
  updated_at: string;
};

type DeploymentState =
  | 'error'
  | 'failure'
  | 'inactive'
  | 'in_progress'
  | 'queued'
  | 'pending'
  | 'success'
  | 'waiting';

export type DeploymentStatus = {
  id: number;
  repository_id: number;
  deployment_id: number;
  state: DeploymentState;
  description: string;
  environment: string;
  environment_url: string;
  log_url: string;
  creator: string;
  via_app: number | null;
  created_at: string;
};

export type Asset = {
  id: number;
  name: string;
  label: string | null;
  content_type: string;
  size: number;
  /** Hex sha256: also its name in the blob folder. */
  sha256: string;
  uploader: string;
  download_count: number;
  created_at: string;
};

export type Release = {
  id: number;
  repository_id: number;
  tag_name: string;
  target_commitish: string;
  name: string | null;
  body: string | null;
  draft: boolean;
  prerelease: boolean;
  latest: boolean;
  /** Published while the setting was on: it stays so when the setting goes. */
  immutable?: boolean;
  author: string;
  created_at: string;
  updated_at: string;
  published_at: string | null;
  assets: Asset[];
};

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

export type Environment = {
  id: number;
  repository_id: number;
  name: string;
  /** Minutes. */
  wait_timer: number;
  prevent_self_review: boolean;
  /** Logins; one of them suffices. */
  reviewers: string[];
  /** `protected` = branches with rules; a list = name patterns; null = every branch. */
  branches: 'protected' | string[] | null;
  secrets: Record<string, string>;
  vars: Record<string, string>;
  created_at: string;
  updated_at: string;
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

/** An answer of a reviewer to a job that waits for an environment. */
export type DeploymentReview = {
  id: number;
  run_id: number;
  environment_ids: number[];
  state: 'approved' | 'rejected';
  user: string;
  comment: string;
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

export type Delivery = {
  id: number;
  guid: string;
  app_id: number;
  installation_id: number | null;
  repository_id: number | null;
  event: string;
  action: string | null;
  redelivery: boolean;
  payload: unknown;
  /** Null while waiting to be sent. */
  delivered_at: string | null;
  created_at: string;
  duration: number;
  status: string;
  status_code: number;
  response: { headers: Record<string, string>; body: string } | null;
};

/** The last ref value whose events were sent: what a restart compares the real ref with. */
type SeenRef = { repository_id: number; ref: string; sha: string; by?: string };

/** A commit that GitHub made and signed: made by an app through the API with no author of its own. */
type VerifiedCommit = { sha: string };

/** One issue under another: kept by the id of the lower one, which has one parent at most. */
type SubIssue = { child_id: number; parent_id: number; position: number };

export type Team = {
  id: number;
  org: string;
  slug: string;
  name: string;
  members: Record<string, 'member' | 'maintainer'>;
  /** What the team may do, by the id of the repository. */
  repositories: Record<string, Role>;
};

/** A pull request in the queue of its base branch, in the order of ids. */
export type QueueEntry = {
  id: number;
  repository_id: number;
  pull_number: number;
  /** The head that was queued: another one leaves the queue. */
  head_sha: string;
  by: string;
  created_at: string;
  /** The merge of all that stands before it, and of itself: what checks are asked for. */
  group: { base_sha: string; head_sha: string; ref: string; since: string } | null;
};

/** Single values: the last id, the local clock. */
type Counter = { value: number | string };

export type Tables = {
  counters: Counter;
  accounts: Account;
  repositories: Repository;
  apps: App;
  installations: Installation;
  tokens: Token;
  issues: Issue;
  comments: Comment;
  reviews: Review;
  review_comments: ReviewComment;
  checks: CheckRun;
  statuses: CommitStatus;
  deployments: Deployment;
  deployment_statuses: DeploymentStatus;
  releases: Release;
  workflows: Workflow;
  runs: Run;
  jobs: Job;
  artifacts: Artifact;
  deliveries: Delivery;
  refs: SeenRef;
  former_names: { repository_id: number };
  queue: QueueEntry;
  verified: VerifiedCommit;
  sub_issues: SubIssue;
  teams: Team;
  groups: Group & { key: string };
  /** A run as it was when an attempt had ended, by `<run>/<attempt>`. */
  attempts: Run;
  environments: Environment;
  turns: Turn;
  deployment_reviews: DeploymentReview;
};

export type { Permissions };
