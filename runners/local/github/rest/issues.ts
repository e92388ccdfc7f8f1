import { z } from 'zod';
import { actorLogin, hasRole, viaApp } from '../auth.ts';
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
import { getIssue, isPull, issueKey, timestamp } from '../hub.ts';
import type { Issue, Label, Repository } from '../model.ts';
import { emitPull } from '../pull-sync.ts';
import { invalid, Refusal } from '../refusal.ts';
import { userShape } from '../shapes/account.ts';
import { issueShape, labelShape, labelsShape, milestoneShape } from '../shapes/issue.ts';
import { emit } from '../webhooks.ts';
import { onIssueEvent } from '../workflow-events.ts';

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
const LABELS = z.array(z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]));
const BODY_LIMIT = 65_536;

/** GitHub counts characters, and refuses what is longer than 65,536 of them. */
export function checkBody(resource: string, body: string | null | undefined): void {
  if (body && [...body].length > BODY_LIMIT) {
    throw invalid({
      resource,
      code: 'custom',
      field: 'body',
      message: `body is too long (maximum is ${BODY_LIMIT} characters)`,
    });
  }
}

export function newIssue(call: RepoCall, given: { title: string; body: string | null }): Issue {
  const { hub } = call;
  const now = timestamp();
  call.repo.last_number += 1;
  hub.db.put('repositories', call.repo.id, call.repo);
  return {
    id: hub.db.nextId(),
    repository_id: call.repo.id,
    number: call.repo.last_number,
    ...given,
    state: 'open',
    state_reason: null,
    user: actorLogin(call.actor),
    labels: [],
    assignees: [],
    milestone: null,
    locked: false,
    via_app: viaApp(call.actor),
    created_at: now,
    updated_at: now,
    closed_at: null,
    closed_by: null,
    pull: null,
  };
}

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

function labelMore(call: IssueCall, name: string) {
  return { label: labelsShape(call.hub, call.repo, [name])[0] };
}

function milestoneNumber(row: Repository, wanted: string | number | null | undefined): number | null {
  if (wanted === null || wanted === undefined) return null;
  const found = row.milestones.find(({ number }) => number === Number(wanted));
  if (!found) throw invalid({ resource: 'Issue', field: 'milestone', code: 'invalid', value: wanted });
  return found.number;
}

export function emitLabel(
  call: RepoCall,
  label: Label,
  action: string,
  more: Record<string, unknown> = {},
): void {
  const payload = { label: labelShape(call.hub, call.repo, label), ...more };
  emit(call.hub, { repo: call.repo, event: 'label', action, sender: actorLogin(call.actor), payload });
}

/** An issue form puts its labels on, whoever sent it (GitHub docs, syntax-for-issue-forms). */
export async function labelByForm(options: {
  call: Pick<RepoCall, 'hub' | 'repo'>;
  login: string;
  number: number;
  labels: string[];
}): Promise<void> {
  const { call, login, number, labels } = options;
  const actor = { kind: 'user' as const, login };
  await setLabels({ ...call, actor }, getIssue(call.hub, call.repo, number), labels);
}

/** Unknown labels are made on the way, with GitHub's grey. */
function ensureLabels(call: RepoCall, names: string[]): string[] {
  const { hub, repo: row } = call;
  const wanted = [...new Set(names)];
  for (const name of wanted) {
    if (row.labels.some((label) => label.name.toLowerCase() === name.toLowerCase())) continue;
    const label = { id: hub.db.nextId(), name, color: 'ededed', description: null };
    row.labels.push(label);
    hub.db.put('repositories', row.id, row);
    emitLabel(call, label, 'created');
  }
  return wanted.map(
    (name) => row.labels.find((label) => label.name.toLowerCase() === name.toLowerCase())?.name ?? name,
  );
}

type IssueCall = Pick<RepoCall, 'hub' | 'repo' | 'actor'>;

export function saveIssue(call: IssueCall, issue: Issue): void {
  issue.updated_at = timestamp();
  call.hub.db.put('issues', issueKey(call.repo, issue.number), issue);
}

export async function emitIssue(
  call: IssueCall,
  issue: Issue,
  action: string,
  more: Record<string, unknown> = {},
) {
  const { hub, actor } = call;
  const sender = actorLogin(actor);
  if (isPull(issue)) {
    await emitPull({ hub, repo: call.repo, actor, sender, issue, action, more });
    return;
  }
  const payload = { issue: issueShape(hub, call.repo, issue), ...more };
  emit(hub, { repo: call.repo, event: 'issues', action, sender, payload });
  await onIssueEvent({
    ...{ hub, repo: call.repo, actor, sender, event: 'issues', issue, payload: { action, ...payload } },
  });
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

/** `edited` carries what was there before: how a ticked box is told from other edits. */
export async function editText(
  call: RepoCall,
  issue: Issue,
  input: { title?: string | undefined; body?: string | null | undefined },
): Promise<void> {
  const changes: Record<string, { from: string }> = {};
  if (input.title !== undefined && input.title !== issue.title) {
    changes.title = { from: issue.title };
    issue.title = input.title;
  }
  if (input.body !== undefined && input.body !== issue.body) {
    changes.body = { from: issue.body ?? '' };
    issue.body = input.body;
  }
  if (Object.keys(changes).length === 0) return;
  saveIssue(call, issue);
  await emitIssue(call, issue, 'edited', { changes });
}

/** What is merged stays closed. */
export function checkState(issue: Issue, state: Issue['state'] | undefined): void {
  if (state !== 'open' || !isPull(issue) || !issue.pull.merged_at) return;
  throw invalid({ resource: 'PullRequest', field: 'state', code: 'invalid' });
}

export async function setState(
  call: RepoCall,
  issue: Issue,
  state: Issue['state'],
  reason: Issue['state_reason'] | undefined = undefined,
): Promise<void> {
  if (state === issue.state) return;
  const closing = state === 'closed';
  Object.assign(issue, {
    state,
    state_reason: closing ? (reason ?? 'completed') : 'reopened',
    closed_at: closing ? timestamp() : null,
    closed_by: closing ? actorLogin(call.actor) : null,
  });
  saveIssue(call, issue);
  await emitIssue(call, issue, closing ? 'closed' : 'reopened');
}

async function changeLabels(call: RepoCall, how: 'add' | 'set' | 'remove'): Promise<Answer> {
  const issue = getIssue(call.hub, call.repo, call.params.number);
  if (how === 'remove' && !issue.labels.includes(call.params.name ?? ''))
    throw new Refusal(404, 'Label does not exist');
  const body =
    how === 'remove'
      ? []
      : parseBody(
          call,
          z.union([z.object({ labels: LABELS.default([]) }).transform(({ labels }) => labels), LABELS]),
        );
  const given = ensureLabels(call, body);
  const next =
    how === 'set'
      ? given
      : how === 'add'
        ? [...new Set([...issue.labels, ...given])]
        : issue.labels.filter((name) => name !== call.params.name);
  await setLabels(call, issue, next);
  return ok(labelsShape(call.hub, call.repo, issue.labels));
}

async function setLabels(call: IssueCall, issue: Issue, next: string[]): Promise<void> {
  const before = issue.labels;
  issue.labels = next;
  saveIssue(call, issue);
  for (const name of next.filter((one) => !before.includes(one))) {
    await emitIssue(call, issue, 'labeled', labelMore(call, name));
  }
  for (const name of before.filter((one) => !next.includes(one))) {
    await emitIssue(call, issue, 'unlabeled', labelMore(call, name));
  }
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

const MAX_ASSIGNEES = 10;

/** Who has access can be assigned; others are dropped without a word (GitHub docs, rest/issues/assignees). */
function assignable({ hub, repo: row }: RepoCall, logins: string[]): string[] {
  return [...new Set(logins)].filter(
    (login) => row.collaborators[login] !== undefined || hasRole(hub, row, login, 'triage'),
  );
}

async function setAssignees(call: RepoCall, issue: Issue, next: string[]): Promise<void> {
  const before = issue.assignees;
  issue.assignees = next.slice(0, MAX_ASSIGNEES);
  saveIssue(call, issue);
  await emitAssigned(call, issue, before);
}

async function emitAssigned(call: RepoCall, issue: Issue, before: string[]): Promise<void> {
  const more = (login: string) => ({ assignee: userShape(call.hub, login) });
  for (const login of issue.assignees.filter((one) => !before.includes(one)))
    await emitIssue(call, issue, 'assigned', more(login));
  for (const login of before.filter((one) => !issue.assignees.includes(one)))
    await emitIssue(call, issue, 'unassigned', more(login));
}

async function changeAssignees(call: RepoCall, add: boolean): Promise<Answer> {
  const issue = getIssue(call.hub, call.repo, call.params.number);
  const { assignees } = parseBody(call, z.object({ assignees: z.array(z.string()) }));
  const next = add
    ? [...new Set([...issue.assignees, ...assignable(call, assignees)])]
    : issue.assignees.filter((login) => !assignees.includes(login));
  await setAssignees(call, issue, next);
  return add ? created(shown(call, issue)) : ok(shown(call, issue));
}
