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

export type Team = {
  id: number;
  org: string;
  slug: string;
  name: string;
  members: Record<string, 'member' | 'maintainer'>;
  /** What the team may do, by the id of the repository. */
  repositories: Record<string, Role>;
};
