import { z } from 'zod';
import { type Answer, type Endpoint, noContent, parseBody, type RepoCall, repo } from '../endpoint.ts';
import { getIssue } from '../hub.ts';
import { emitIssue, saveIssue } from './issue-state.ts';

const WRITE = 'issues=write; pull_requests=write | write';

/** "Users with push access can lock an issue or pull request's conversation" (GitHub docs, rest/issues/issues). */
export const locks: Endpoint[] = [
  repo('PUT /issues/:number/lock', WRITE, lock),
  repo('DELETE /issues/:number/lock', WRITE, unlock),
];

const LOCK = z.object({
  lock_reason: z.enum(['off-topic', 'too heated', 'resolved', 'spam']).nullable().default(null),
});

async function lock(call: RepoCall): Promise<Answer> {
  const { lock_reason } = parseBody(call, LOCK);
  return setLock(call, { locked: true, lock_reason });
}

function unlock(call: RepoCall): Promise<Answer> {
  return setLock(call, { locked: false, lock_reason: null });
}

async function setLock(
  call: RepoCall,
  next: { locked: boolean; lock_reason: string | null },
): Promise<Answer> {
  const issue = getIssue(call.hub, call.repo, call.params.number);
  const changed = issue.locked !== next.locked;
  Object.assign(issue, next);
  saveIssue(call, issue);
  if (changed) await emitIssue(call, issue, next.locked ? 'locked' : 'unlocked');
  return noContent();
}
