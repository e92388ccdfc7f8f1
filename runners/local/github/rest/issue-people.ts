import { z } from 'zod';
import { hasRole } from '../auth.ts';
import { type Answer, created, ok, parseBody, type RepoCall } from '../endpoint.ts';
import { getIssue } from '../hub.ts';
import type { Issue } from '../rows/issue.ts';
import { userShape } from '../shapes/account.ts';
import { issueShape } from '../shapes/issue.ts';
import { emitIssue, saveIssue } from './issue-state.ts';

const MAX_ASSIGNEES = 10;

/** Who has access can be assigned; others are dropped without a word (GitHub docs, rest/issues/assignees). */
export function assignable({ hub, repo: row }: RepoCall, logins: string[]): string[] {
  return [...new Set(logins)].filter(
    (login) => row.collaborators[login] !== undefined || hasRole(hub, row, login, 'triage'),
  );
}

export async function setAssignees(call: RepoCall, issue: Issue, next: string[]): Promise<void> {
  const before = issue.assignees;
  issue.assignees = next.slice(0, MAX_ASSIGNEES);
  saveIssue(call, issue);
  await emitAssigned(call, issue, before);
}

export async function emitAssigned(call: RepoCall, issue: Issue, before: string[]): Promise<void> {
  const more = (login: string) => ({ assignee: userShape(call.hub, login) });
  for (const login of issue.assignees.filter((one) => !before.includes(one)))
    await emitIssue(call, issue, 'assigned', more(login));
  for (const login of before.filter((one) => !issue.assignees.includes(one)))
    await emitIssue(call, issue, 'unassigned', more(login));
}

export async function changeAssignees(call: RepoCall, add: boolean): Promise<Answer> {
  const issue = getIssue(call.hub, call.repo, call.params.number);
  const { assignees } = parseBody(call, z.object({ assignees: z.array(z.string()) }));
  const next = add
    ? [...new Set([...issue.assignees, ...assignable(call, assignees)])]
    : issue.assignees.filter((login) => !assignees.includes(login));
  await setAssignees(call, issue, next);
  const answer = issueShape(call.hub, call.repo, issue);
  return add ? created(answer) : ok(answer);
}
