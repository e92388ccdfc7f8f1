import { z } from 'zod';
import { actorLogin } from '../auth.ts';
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
import { notFound, Refusal, unprocessable } from '../refusal.ts';
import type { Issue } from '../rows/issue.ts';
import { repositoryShape } from '../shapes/account.ts';
import { issueShape } from '../shapes/issue.ts';
import { emit } from '../webhooks.ts';

/** GitHub docs, rest/issues/sub-issues: a sub-issue is named by its id, its parent by its number. */
export const subIssues: Endpoint[] = [
  repo('GET /issues/:number/sub_issues', 'issues=read', listSubIssues),
  repo('POST /issues/:number/sub_issues', 'issues=write | triage', add),
  repo('DELETE /issues/:number/sub_issue', 'issues=write | triage', remove),
  repo('PATCH /issues/:number/sub_issues/priority', 'issues=write | triage', reorder),
  repo('GET /issues/:number/parent', 'issues=read', getParent),
];

/** GitHub docs, adding-sub-issues. */
const MAX_CHILDREN = 100;
const MAX_LEVELS = 8;

function shown(call: RepoCall, issue: Issue) {
  return issueShape(call.hub, call.repo, issue);
}

function parentOf(call: RepoCall): Issue {
  return getIssue(call.hub, call.repo, call.params.number);
}

function byId(call: RepoCall, id: number): Issue | undefined {
  return call.hub.db.find('issues', (one) => one.id === id && one.repository_id === call.repo.id);
}

function childLinks(call: RepoCall, parent: number) {
  return call.hub.db
    .filter('sub_issues', (one) => one.parent_id === parent)
    .toSorted((a, b) => a.position - b.position);
}

function listSubIssues(call: RepoCall): Answer {
  const rows = childLinks(call, parentOf(call).id).flatMap(({ child_id }) => byId(call, child_id) ?? []);
  return list(call, rows, (one) => shown(call, one));
}

function getParent(call: RepoCall): Answer {
  const link = call.hub.db.get('sub_issues', parentOf(call).id);
  const parent = link && byId(call, link.parent_id);
  if (!parent) throw notFound();
  return ok(shown(call, parent));
}

const ADD = z.object({ sub_issue_id: z.number().int(), replace_parent: z.boolean().default(false) });

function add(call: RepoCall): Answer {
  const { hub } = call;
  const input = parseBody(call, ADD);
  const parent = parentOf(call);
  const child = byId(call, input.sub_issue_id);
  if (!child) throw new Refusal(404, 'The provided sub-issue does not exist');
  const before = hub.db.get('sub_issues', child.id);
  if (before && (!input.replace_parent || before.parent_id === parent.id))
    throw unprocessable(
      'An error occurred while adding the sub-issue to the parent issue. Issue may not contain duplicate sub-issues and Sub issue may only have one parent',
    );
  checkPlace(call, parent, child);
  const siblings = childLinks(call, parent.id);
  const formerParent = before && byId(call, before.parent_id);
  const position = (siblings.at(-1)?.position ?? 0) + 1;
  hub.db.put('sub_issues', child.id, { child_id: child.id, parent_id: parent.id, position });
  if (formerParent) tell(call, { parent: formerParent, child, what: 'removed' });
  tell(call, { parent, child, what: 'added' });
  return created(shown(call, parent));
}

function checkPlace(call: RepoCall, parent: Issue, child: Issue): void {
  if (ancestors(call, parent).includes(child.id)) throw unprocessable('Sub-issue cannot be its own ancestor');
  if (childLinks(call, parent.id).length >= MAX_CHILDREN)
    throw unprocessable(`Parent cannot have more than ${MAX_CHILDREN} sub-issues`);
  if (ancestors(call, parent).length + depth(call, child.id) > MAX_LEVELS)
    throw unprocessable(`Sub-issues cannot be nested more than ${MAX_LEVELS} levels deep`);
}

/** Ids from an issue upwards, itself the first. */
function ancestors({ hub }: RepoCall, issue: Issue): number[] {
  const chain = [issue.id];
  for (let at = hub.db.get('sub_issues', issue.id); at; at = hub.db.get('sub_issues', at.parent_id))
    chain.push(at.parent_id);
  return chain;
}

/** Levels from an issue downwards: 0 without sub-issues. */
function depth(call: RepoCall, id: number): number {
  const below = childLinks(call, id).map(({ child_id }) => 1 + depth(call, child_id));
  return Math.max(0, ...below);
}

function childFromBody(call: RepoCall, parent: Issue, id: number): Issue {
  const link = call.hub.db.get('sub_issues', id);
  const child = link?.parent_id === parent.id ? byId(call, id) : undefined;
  if (!child) throw new Refusal(404, 'The provided sub-issue does not exist');
  return child;
}

function remove(call: RepoCall): Answer {
  const { sub_issue_id } = parseBody(call, z.object({ sub_issue_id: z.number().int() }));
  const parent = parentOf(call);
  const child = childFromBody(call, parent, sub_issue_id);
  call.hub.db.remove('sub_issues', child.id);
  tell(call, { parent, child, what: 'removed' });
  return ok(shown(call, parent));
}

const ORDER = z.object({
  sub_issue_id: z.number().int(),
  after_id: z.number().int().optional(),
  before_id: z.number().int().optional(),
});

function reorder(call: RepoCall): Answer {
  const { hub } = call;
  const { sub_issue_id, after_id, before_id } = parseBody(call, ORDER);
  const parent = parentOf(call);
  const child = childFromBody(call, parent, sub_issue_id);
  if ((after_id === undefined) === (before_id === undefined))
    throw unprocessable('Exactly one of after_id and before_id must be given');
  const rest = childLinks(call, parent.id)
    .map((one) => one.child_id)
    .filter((id) => id !== child.id);
  const at = rest.indexOf(after_id ?? before_id ?? 0);
  if (at < 0) throw new Refusal(404, 'The provided sub-issue does not exist');
  rest.splice(after_id === undefined ? at : at + 1, 0, child.id);
  for (const [position, id] of rest.entries())
    hub.db.put('sub_issues', id, { child_id: id, parent_id: parent.id, position });
  return ok(shown(call, parent));
}

/** One event for the parent and one for the sub-issue (GitHub docs, webhook-events-and-payloads#sub_issues). */
function tell(call: RepoCall, change: { parent: Issue; child: Issue; what: 'added' | 'removed' }): void {
  const { hub, repo: row } = call;
  const { parent, child, what } = change;
  const sender = actorLogin(call.actor);
  const both = {
    ...{ sub_issue_id: child.id, sub_issue: issueShape(hub, row, child) },
    ...{ parent_issue_id: parent.id, parent_issue: issueShape(hub, row, parent) },
  };
  const repository = repositoryShape(hub, row);
  emit(hub, {
    ...{ repo: row, event: 'sub_issues', action: `sub_issue_${what}`, sender },
    payload: { ...both, sub_issue_repo: repository },
  });
  emit(hub, {
    ...{ repo: row, event: 'sub_issues', action: `parent_issue_${what}`, sender },
    payload: { ...both, parent_issue_repo: repository },
  });
}
