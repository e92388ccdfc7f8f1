import { z } from 'zod';
import { hasRole } from '../auth.ts';
import {
  type Answer,
  created,
  type Endpoint,
  list,
  ok,
  parseBody,
  type RepoCall,
  repo,
} from '../endpoint.ts';
import { getIssue } from '../hub.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { Issue } from '../rows/issue.ts';
import type { Repository } from '../rows/repository.ts';
import { issueShape, labelsShape, milestoneShape } from '../shapes/issue.ts';
import { changeLabels, ensureLabels, LABELS, labelMore, setLabels } from './issue-labels.ts';
import { assignable, changeAssignees, emitAssigned, setAssignees } from './issue-people.ts';
import { checkBody, checkState, editText, emitIssue, newIssue, saveIssue, setState } from './issue-state.ts';

/** A pull request is an issue: either permission will do. */
const EITHER_WRITE = 'issues=write; pull_requests=write';
const EITHER_READ = 'issues=read; pull_requests=read';

export const issues: Endpoint[] = [
  repo('GET /issues', 'issues=read', listIssues),
  repo('POST /issues', 'issues=write', createIssue),
  repo('GET /issues/:number', EITHER_READ, (call) =>
    ok(shown(call, getIssue(call.hub, call.repo, call.params.number))),
  ),
  repo('PATCH /issues/:number', EITHER_WRITE, updateIssue),
  repo('GET /issues/:number/labels', EITHER_READ, (call) =>
    list(
      call,
      getIssue(call.hub, call.repo, call.params.number).labels,
      (name) => labelsShape(call.hub, call.repo, [name])[0],
    ),
  ),
  repo('POST /issues/:number/labels', `${EITHER_WRITE} | triage`, (call) => changeLabels(call, 'add')),
  repo('PUT /issues/:number/labels', `${EITHER_WRITE} | triage`, (call) => changeLabels(call, 'set')),
  repo('DELETE /issues/:number/labels/:name', `${EITHER_WRITE} | triage`, (call) =>
    changeLabels(call, 'remove'),
  ),
  repo('DELETE /issues/:number/labels', `${EITHER_WRITE} | triage`, (call) => changeLabels(call, 'set')),
  repo('POST /issues/:number/assignees', `${EITHER_WRITE} | triage`, (call) => changeAssignees(call, true)),
  repo('DELETE /issues/:number/assignees', `${EITHER_WRITE} | triage`, (call) =>
    changeAssignees(call, false),
  ),
];

function shown(call: RepoCall, issue: Issue) {
  return issueShape(call.hub, call.repo, issue);
}

/** One row of a list may be asked for by any of these, as on GitHub. */
function listIssues(call: RepoCall): Answer {
  const { hub, query } = call;
  const state = query.state ?? 'open';
  const labels = (query.labels ?? '').split(',').filter(Boolean);
  const since = query.since ? Date.parse(query.since) : Number.NEGATIVE_INFINITY;
  const rows = hub.db.filter(
    'issues',
    (one) =>
      one.repository_id === call.repo.id &&
      (state === 'all' || one.state === state) &&
      (!query.creator || one.user === query.creator) &&
      (!query.assignee || query.assignee === '*' || one.assignees.includes(query.assignee)) &&
      (!query.milestone || query.milestone === '*' || String(one.milestone) === query.milestone) &&
      labels.every((label) => one.labels.includes(label)) &&
      Date.parse(one.updated_at) >= since,
  );
  return list(call, sorted(rows, query), (one) => shown(call, one));
}

export function sorted<T extends { created_at: string; updated_at: string; id: number }>(
  rows: T[],
  query: Record<string, string>,
): T[] {
  const field = query.sort === 'updated' ? 'updated_at' : 'created_at';
  const sign = query.direction === 'asc' ? 1 : -1;
  return rows.toSorted((a, b) => sign * (a[field].localeCompare(b[field]) || a.id - b.id));
}

const MAX_TITLE = 256;
const TITLE = z
  .union([z.string().min(1), z.number()])
  .transform(String)
  .refine((title) => [...title].length <= MAX_TITLE, `is too long (maximum is ${MAX_TITLE} characters)`);

async function createIssue(call: RepoCall): Promise<Answer> {
  const input = parseBody(
    call,
    z.object({
      title: TITLE,
      body: z.string().nullable().default(null),
      labels: LABELS.default([]),
      assignees: z.array(z.string()).default([]),
      milestone: z.union([z.string(), z.number()]).nullable().optional(),
    }),
  );
  checkBody('Issue', input.body);
  const milestone = milestoneNumber(call.repo, input.milestone);
  const issue = newIssue(call, { title: input.title, body: input.body });
  // Labels, assignees and milestones of someone without triage are dropped silently.
  if (mayTriage(call)) {
    issue.labels = ensureLabels(call, input.labels);
    issue.assignees = assignable(call, input.assignees);
    issue.milestone = milestone;
  }
  saveIssue(call, issue);
  await emitIssue(call, issue, 'opened');
  for (const name of issue.labels) await emitIssue(call, issue, 'labeled', labelMore(call, name));
  await emitAssigned(call, issue, []);
  if (issue.milestone) await emitIssue(call, issue, 'milestoned', milestoneMore(call, issue.milestone));
  return created(shown(call, issue));
}

function mayTriage({ hub, actor, repo: row }: RepoCall): boolean {
  return actor.kind !== 'user' || hasRole(hub, row, actor.login, 'triage');
}

function milestoneNumber(row: Repository, wanted: string | number | null | undefined): number | null {
  if (wanted === null || wanted === undefined) return null;
  const found = row.milestones.find(({ number }) => number === Number(wanted));
  if (!found) throw invalid({ resource: 'Issue', field: 'milestone', code: 'invalid', value: wanted });
  return found.number;
}

const PATCH = z.object({
  title: TITLE.optional(),
  body: z.string().nullable().optional(),
  state: z.enum(['open', 'closed']).optional(),
  state_reason: z.enum(['completed', 'not_planned', 'reopened']).nullable().optional(),
  labels: LABELS.optional(),
  assignees: z.array(z.string()).optional(),
  milestone: z.union([z.string(), z.number()]).nullable().optional(),
});

async function updateIssue(call: RepoCall): Promise<Answer> {
  const input = parseBody(call, PATCH);
  checkBody('Issue', input.body);
  const issue = getIssue(call.hub, call.repo, call.params.number);
  const own = call.actor.kind === 'user' && issue.user === call.actor.login;
  if (!own && !mayTriage(call)) throw new Refusal(403, 'Must have admin rights to Repository.');
  // All refusals come before the first change.
  const milestone =
    input.milestone === undefined ? issue.milestone : milestoneNumber(call.repo, input.milestone);
  checkState(issue, input.state);
  await editText(call, issue, input);
  if (mayTriage(call)) {
    if (input.labels) await setLabels(call, issue, ensureLabels(call, input.labels));
    if (input.assignees) await setAssignees(call, issue, assignable(call, input.assignees));
    await setMilestone(call, issue, milestone);
  }
  if (input.state) await setState(call, issue, input.state, input.state_reason);
  saveIssue(call, issue);
  return ok(shown(call, issue));
}

async function setMilestone(call: RepoCall, issue: Issue, next: number | null): Promise<void> {
  const before = issue.milestone;
  if (before === next) return;
  issue.milestone = next;
  saveIssue(call, issue);
  if (before !== null) await emitIssue(call, issue, 'demilestoned', milestoneMore(call, before));
  if (next !== null) await emitIssue(call, issue, 'milestoned', milestoneMore(call, next));
}

function milestoneMore({ hub, repo: row }: RepoCall, number: number) {
  const milestone = row.milestones.find((one) => one.number === number);
  return { milestone: milestone ? milestoneShape(hub, row, milestone) : null };
}
