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

/** One issue under another: kept by the id of the lower one, which has one parent at most. */
export type SubIssue = { child_id: number; parent_id: number; position: number };

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
