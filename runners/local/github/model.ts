import type { App, Delivery, Installation, Token } from './rows/app.ts';
import type { CheckRun, CommitStatus } from './rows/check.ts';
import type { Deployment, DeploymentReview, DeploymentStatus, Environment } from './rows/deployment.ts';
import type { Comment, Issue, QueueEntry, Review, ReviewComment, SubIssue } from './rows/issue.ts';
import type { Release } from './rows/release.ts';
import type { Account, Repository, Team } from './rows/repository.ts';
import type { Artifact, Group, Job, Run, Turn, Workflow } from './rows/run.ts';

/** The last ref value whose events were sent: what a restart compares the real ref with. */
type SeenRef = { repository_id: number; ref: string; sha: string; by?: string };

/** A commit that GitHub made and signed: made by an app through the API with no author of its own. */
type VerifiedCommit = { sha: string };

/** Single values: the last id, the local clock. */
type Counter = { value: number | string };

/** The local GitHub's state: its tables, whose rows are in rows/. Times are ISO 8601 with seconds, as GitHub prints them. */
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
