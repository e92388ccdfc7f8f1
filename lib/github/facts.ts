import { z } from 'zod';

/** What the app needs of any webhook: which repository, by which installation. */
export type RepositoryFacts = { owner: string; repo: string; default_branch: string; installation: number };

export type Happening = RepositoryFacts &
  (
    | { kind: 'issue'; number: number; edit?: BodyEdit }
    | { kind: 'comment'; action: string; comment: CommentFacts }
    | { kind: 'pull-request'; number: number }
    | { kind: 'push'; ref: string }
    | { kind: 'run'; id: number; action: string }
    | { kind: 'check-asked-again'; head: string }
    | { kind: 'merge-group'; action: string; group: MergeGroupFacts }
  );

/** An edit of an issue's text: what it said before and after, whose issue it is, and who changed it when. */
export type BodyEdit = {
  before: string;
  after: string;
  author: { login: string; type: string };
  by: { login: string; type: string };
  at: string;
};

/** A merge queue's commit: what the base branch would be. `base` is the tip, or the group in front of it. */
export type MergeGroupFacts = { head: string; head_ref: string; base: string };

export type CommentFacts = {
  id: number;
  issue: number;
  body: string;
  author: { login: string; type: string };
  created_at: string;
  url: string;
};

const account = z.object({ login: z.string(), type: z.string() });
const about = z.object({
  installation: z.object({ id: z.int() }),
  repository: z.object({
    name: z.string(),
    default_branch: z.string(),
    owner: z.object({ login: z.string() }),
  }),
});
const issue = z.object({ issue: z.object({ number: z.int() }) });
const bodyEdit = z.object({
  changes: z.object({ body: z.object({ from: z.string().nullable() }) }),
  issue: z.object({ body: z.string().nullable(), user: account.nullable(), updated_at: z.string() }),
  sender: account,
});
const comment = z.object({
  action: z.string(),
  issue: z.object({ number: z.int() }),
  comment: z.object({
    id: z.int(),
    body: z.string().nullable(),
    user: account.nullable(),
    created_at: z.string(),
    html_url: z.string(),
  }),
});
const pull = z.object({ pull_request: z.object({ number: z.int() }) });
const push = z.object({ ref: z.string() });
const run = z.object({ action: z.string(), workflow_run: z.object({ id: z.int() }) });
const group = z.object({
  action: z.string(),
  merge_group: z.object({ head_sha: z.string(), head_ref: z.string(), base_sha: z.string() }),
});
const check = z.object({
  check_run: z.object({ head_sha: z.string() }).optional(),
  check_suite: z.object({ head_sha: z.string() }).optional(),
});

/** Reads a webhook's shape: the only place that knows it. Null for what the app has no use for. */
export function happeningOf(event: string, payload: unknown): Happening | null {
  const found = about.safeParse(payload);
  if (!found.success) return null;
  const { repository, installation } = found.data;
  const facts = {
    owner: repository.owner.login,
    repo: repository.name,
    default_branch: repository.default_branch,
    installation: installation.id,
  };
  const what = whatHappened(event, payload);
  return what && { ...facts, ...what };
}

type Bare<Whole> = Whole extends unknown ? Omit<Whole, keyof RepositoryFacts> : never;

function whatHappened(event: string, payload: unknown): Bare<Happening> | null {
  switch (event) {
    case 'issues':
      return { kind: 'issue', number: issue.parse(payload).issue.number, ...editOf(payload) };
    case 'issue_comment':
      return commentFacts(payload);
    case 'pull_request':
    case 'pull_request_review':
      return { kind: 'pull-request', number: pull.parse(payload).pull_request.number };
    case 'push':
      return { kind: 'push', ref: push.parse(payload).ref };
    case 'workflow_run': {
      const { action, workflow_run } = run.parse(payload);
      return { kind: 'run', id: workflow_run.id, action };
    }
    case 'merge_group': {
      const { action, merge_group } = group.parse(payload);
      const { head_sha: head, head_ref, base_sha: base } = merge_group;
      return { kind: 'merge-group', action, group: { head, head_ref, base } };
    }
    case 'check_run':
    case 'check_suite': {
      const { check_run, check_suite } = check.parse(payload);
      const head = check_run?.head_sha ?? check_suite?.head_sha;
      return head === undefined ? null : { kind: 'check-asked-again', head };
    }
    default:
      return null;
  }
}

function editOf(payload: unknown): { edit?: BodyEdit } {
  const found = bodyEdit.safeParse(payload);
  if (!found.success) return {};
  const { changes, issue: edited, sender } = found.data;
  return {
    edit: {
      before: changes.body.from ?? '',
      after: edited.body ?? '',
      author: edited.user ?? { login: 'ghost', type: 'User' },
      by: sender,
      at: edited.updated_at,
    },
  };
}

function commentFacts(payload: unknown): Bare<Happening> {
  const found = comment.parse(payload);
  return {
    kind: 'comment',
    action: found.action,
    comment: {
      id: found.comment.id,
      issue: found.issue.number,
      body: found.comment.body ?? '',
      author: found.comment.user ?? { login: 'ghost', type: 'User' },
      created_at: found.comment.created_at,
      url: found.comment.html_url,
    },
  };
}
