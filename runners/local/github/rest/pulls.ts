import { z } from 'zod';
import { actorLogin, canRead, hasRole } from '../auth.ts';
import { pullFiles } from '../diff.ts';
import {
  type Answer,
  created,
  type Endpoint,
  list,
  noContent,
  ok,
  parseBody,
  type RepoCall,
  repo,
} from '../endpoint.ts';
import { refSha } from '../git-refs.ts';
import {
  getPull,
  headOwner,
  headRepository,
  isPull,
  issueKey,
  openPulls,
  type PullIssue,
  timestamp,
} from '../hub.ts';
import { isAncestor } from '../merge.ts';
import { pullDetail } from '../pull-detail.ts';
import { bringOver, emitPull, headTip, writeTestMerge } from '../pull-sync.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { Repository } from '../rows/repository.ts';
import { htmlUrl, repoUrl } from '../shapes/account.ts';
import { commitShape, listCommits } from '../shapes/commit.ts';
import { pullShape } from '../shapes/issue.ts';
import { checkBody, checkState, editText, newIssue, setState } from './issue-state.ts';
import { sorted } from './issues.ts';

export const pulls: Endpoint[] = [
  repo('GET /pulls', 'pull_requests=read', listPulls),
  // Whoever can write to the head may propose it: see checkMayPropose.
  repo('POST /pulls', 'pull_requests=write', createPull),
  repo('GET /pulls/:number', 'pull_requests=read', async (call) => ok(await detail(call, fromPath(call)))),
  repo('PATCH /pulls/:number', 'pull_requests=write', updatePull),
  repo('GET /pulls/:number/commits', 'pull_requests=read', pullCommits),
  repo('GET /pulls/:number/files', 'pull_requests=read', files),
  repo('GET /pulls/:number/merge', 'pull_requests=read', isMerged),
];

export function fromPath(call: RepoCall): PullIssue {
  return getPull(call.hub, call.repo, call.params.number);
}

async function detail(call: RepoCall, issue: PullIssue) {
  return pullDetail(call.hub, call.repo, issue);
}

function listPulls(call: RepoCall): Answer {
  const { query } = call;
  const state = query.state ?? 'open';
  const rows = call.hub.db
    .filter('issues', (one) => one.repository_id === call.repo.id && (state === 'all' || one.state === state))
    .filter(isPull)
    .filter((one) => isHead(call, one, query.head) && (!query.base || one.pull.base_ref === query.base));
  return list(call, sorted(rows, query), (one) => pullShape(call.hub, call.repo, one));
}

/** `owner:branch`, or a branch of this repository. */
function isHead({ repo: row }: RepoCall, issue: PullIssue, wanted: string | undefined): boolean {
  if (!wanted) return true;
  return [issue.pull.head_ref, `${headOwner(row, issue)}:${issue.pull.head_ref}`].includes(wanted);
}

const NEW_PULL = z.object({
  title: z.string().min(1),
  head: z.string().min(1),
  /** The name of the head's repository where head and base have one owner. */
  head_repo: z.string().optional(),
  base: z.string().min(1),
  body: z.string().nullable().default(null),
  draft: z.boolean().default(false),
});

async function createPull(call: RepoCall): Promise<Answer> {
  const { hub, actor } = call;
  const input = parseBody(call, NEW_PULL);
  checkBody('PullRequest', input.body);
  if (actor.kind === 'job' && !call.repo.actions_may_open_pulls) {
    throw new Refusal(403, 'GitHub Actions is not permitted to create or approve pull requests.');
  }
  return hub.exclusive(`refs/${call.repo.id}`, async () => {
    const ends = await checkEnds(call, input);
    const issue: PullIssue = {
      ...newIssue(call, { title: input.title, body: input.body }),
      pull: {
        ...ends,
        draft: input.draft,
        mergeable: false,
        merge_commit_sha: null,
        merged_at: null,
        merged_by: null,
        merging: null,
        requested_reviewers: [],
      },
    };
    const change = { hub, repo: call.repo, actor, sender: actorLogin(actor), issue };
    await writeTestMerge(change);
    hub.db.put('issues', issueKey(call.repo, issue.number), issue);
    await emitPull({ ...change, action: 'opened' });
    return created(await detail(call, issue));
  });
}

type Ends = { head: string; base: string; head_repo?: string | undefined };

/** The repository and branch that `owner:branch` names, in this repository's fork network. */
function headOf(call: RepoCall, { head, head_repo }: Ends): { from: Repository | undefined; branch: string } {
  const [owner = '', branch = ''] = head.includes(':') ? head.split(':', 2) : [call.repo.owner, head];
  const network = call.hub.db.filter(
    'repositories',
    (one) => one.id === call.repo.id || one.fork_of === call.repo.id,
  );
  const name = head_repo?.split('/').at(-1)?.toLowerCase();
  const from = network.find(
    (one) => one.owner.toLowerCase() === owner.toLowerCase() && (!name || one.name.toLowerCase() === name),
  );
  return { from, branch };
}

/** "You must have write access to the head or the source branch" (GitHub docs, rest/pulls/pulls). */
function checkMayPropose(call: RepoCall, from: Repository): void {
  const { hub, actor } = call;
  if (actor.kind !== 'user') return;
  const mayWrite = [from, call.repo].some((one) => hasRole(hub, one, actor.login, 'write'));
  if (!mayWrite) throw new Refusal(403, 'Must have push access to repository');
}

type Twin = { head_ref: string; base_ref: string; fork?: { repository_id: number } | undefined };

/** Two open pull requests never have the same head and base. */
function hasTwin(call: RepoCall, wanted: Twin): boolean {
  return openPulls(call.hub, call.repo).some(
    ({ pull }) =>
      pull.head_ref === wanted.head_ref &&
      pull.base_ref === wanted.base_ref &&
      pull.fork?.repository_id === wanted.fork?.repository_id,
  );
}

async function checkEnds(call: RepoCall, input: Ends) {
  const { hub } = call;
  const git = hub.git(call.repo);
  const { from, branch: head_ref } = headOf(call, input);
  const head_sha = from && (await refSha(hub.git(from), `refs/heads/${head_ref}`));
  if (!head_sha || !canRead(hub, from, call.actor))
    throw invalid({ resource: 'PullRequest', field: 'head', code: 'invalid' });
  checkMayPropose(call, from);
  const fork = from.id === call.repo.id ? undefined : { repository_id: from.id, owner: from.owner };
  if (fork) await bringOver(hub, { from, to: call.repo, sha: head_sha });
  const base_sha = await refSha(git, `refs/heads/${input.base}`);
  if (!base_sha) throw invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' });
  if (await isAncestor(git, head_sha, base_sha)) {
    const message = `No commits between ${input.base} and ${head_ref}`;
    throw invalid({ resource: 'PullRequest', code: 'custom', message });
  }
  if (hasTwin(call, { head_ref, base_ref: input.base, fork })) {
    const message = `A pull request already exists for ${from.owner}:${head_ref}.`;
    throw invalid({ resource: 'PullRequest', code: 'custom', message });
  }
  return { head_ref, head_sha, base_ref: input.base, base_sha, ...(fork ? { fork } : {}) };
}

const PATCH = z.object({
  title: z.string().min(1).optional(),
  body: z.string().nullable().optional(),
  state: z.enum(['open', 'closed']).optional(),
  base: z.string().optional(),
});

const BASE_FAULT = { resource: 'PullRequest', field: 'base', code: 'invalid' };

async function updatePull(call: RepoCall): Promise<Answer> {
  const { hub, actor } = call;
  const input = parseBody(call, PATCH);
  checkBody('PullRequest', input.body);
  return hub.exclusive(`refs/${call.repo.id}`, async () => {
    const issue = fromPath(call);
    checkMayChange(call, issue);
    checkState(issue, input.state);
    // Also not while it is opened again in the same call.
    if (input.base && input.base !== issue.pull.base_ref && issue.state === 'closed')
      throw invalid({ ...BASE_FAULT, message: 'Cannot change the base branch of a closed pull request.' });
    if (input.state === 'open' && issue.state === 'closed') await revive(call, issue);
    if (input.base && input.base !== issue.pull.base_ref) await retarget(call, issue, input.base);
    await editText(call, issue, input);
    if (input.state) await setState(call, issue, input.state);
    return ok(await detail({ ...call, actor, hub }, issue));
  });
}

function checkMayChange(call: RepoCall, issue: PullIssue): void {
  const { actor } = call;
  if (actor.kind !== 'user' || issue.user === actor.login) return;
  const role = call.repo.collaborators[actor.login];
  if (role === undefined || role === 'read') throw new Refusal(403, 'Must have admin rights to Repository.');
}

async function retarget(call: RepoCall, issue: PullIssue, base: string): Promise<void> {
  const { hub, actor } = call;
  const sha = await refSha(hub.git(call.repo), `refs/heads/${base}`);
  if (!sha) throw invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' });
  if (hasTwin(call, { ...issue.pull, base_ref: base })) {
    const pair = `base branch '${base}' and head branch '${issue.pull.head_ref}'`;
    throw invalid({ ...BASE_FAULT, message: `A pull request already exists for ${pair}` });
  }
  const from = { ref: issue.pull.base_ref, sha: issue.pull.base_sha };
  Object.assign(issue.pull, { base_ref: base, base_sha: sha });
  const change = { hub, repo: call.repo, actor, sender: actorLogin(actor), issue };
  await writeTestMerge(change);
  issue.updated_at = timestamp();
  hub.db.put('issues', issueKey(call.repo, issue.number), issue);
  const more = { changes: { base: { ref: { from: from.ref }, sha: { from: from.sha } } } };
  await emitPull({ ...change, action: 'edited', more });
}

function cannotReopen(reason: string): Refusal {
  const message = `state cannot be changed. ${reason}`;
  return invalid({ resource: 'PullRequest', field: 'state', code: 'invalid', message });
}

/** A closed pull request did not follow its branches: it catches up when it is opened again, or can't be. */
async function revive(call: RepoCall, issue: PullIssue): Promise<void> {
  const { pull } = issue;
  const git = call.hub.git(call.repo);
  const from = headRepository(call.hub, call.repo, issue);
  if (!from) throw cannotReopen('The repository that submitted this pull request has been deleted.');
  const head = await headTip(call.hub, call.repo, issue);
  const base = await refSha(git, `refs/heads/${pull.base_ref}`);
  if (!head) throw cannotReopen(`The ${pull.head_ref} branch has been deleted.`);
  if (!base) throw cannotReopen(`The ${pull.base_ref} branch has been deleted.`);
  if (!(await isAncestor(git, pull.head_sha, head)))
    throw cannotReopen(`The ${pull.head_ref} branch was force-pushed or recreated.`);
  if (await isAncestor(git, head, base))
    throw cannotReopen(
      `There are no new commits on the ${headOwner(call.repo, issue)}:${pull.head_ref} branch.`,
    );
  if (hasTwin(call, pull))
    throw cannotReopen(
      `There is already an open pull request from ${headOwner(call.repo, issue)}:${pull.head_ref}.`,
    );
  Object.assign(issue.pull, { head_sha: head, base_sha: base });
  await writeTestMerge({
    hub: call.hub,
    repo: call.repo,
    actor: call.actor,
    sender: actorLogin(call.actor),
    issue,
  });
}

const MAX_PULL_COMMITS = 250;

/** Of a merged pull request too: its base is the one it had when it was merged. */
export async function commitsOfPull(call: Pick<RepoCall, 'hub' | 'repo'>, issue: PullIssue) {
  const { base_sha, head_sha } = issue.pull;
  return listCommits(call.hub.git(call.repo), [head_sha, `^${base_sha}`], MAX_PULL_COMMITS);
}

async function pullCommits(call: RepoCall): Promise<Answer> {
  const commits = await commitsOfPull(call, fromPath(call));
  return list(call, commits, (commit) => commitShape(call.hub, call.repo, commit));
}

async function files(call: RepoCall): Promise<Answer> {
  const { pull } = fromPath(call);
  const rows = await pullFiles(call.hub.git(call.repo), `${pull.base_sha}...${pull.head_sha}`);
  return list(call, rows, ({ sha, ...file }) => {
    const path = file.filename.split('/').map(encodeURIComponent).join('/');
    return {
      sha,
      ...file,
      blob_url: htmlUrl(call.hub, call.repo, `/blob/${pull.head_sha}/${path}`),
      raw_url: htmlUrl(call.hub, call.repo, `/raw/${pull.head_sha}/${path}`),
      contents_url: repoUrl(call.hub, call.repo, `/contents/${path}?ref=${pull.head_sha}`),
    };
  });
}

function isMerged(call: RepoCall): Answer {
  if (!fromPath(call).pull.merged_at) throw new Refusal(404, 'Not Found');
  return noContent();
}
