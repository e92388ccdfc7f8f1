import { z } from 'zod';
import { actorLogin } from '../auth.ts';
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
import { getPull, isPull, issueKey, openPulls, type PullIssue, timestamp } from '../hub.ts';
import { isAncestor } from '../merge.ts';
import { pullDetail } from '../pull-detail.ts';
import { emitPull, writeTestMerge } from '../pull-sync.ts';
import { invalid, Refusal } from '../refusal.ts';
import { htmlUrl, repoUrl } from '../shapes/account.ts';
import { commitShape, listCommits } from '../shapes/commit.ts';
import { forVersion, pullShape } from '../shapes/issue.ts';
import { checkBody, checkState, editText, newIssue, setState, sorted } from './issues.ts';

export const pulls: Endpoint[] = [
  repo('GET /pulls', 'pull_requests=read', listPulls),
  repo('POST /pulls', 'pull_requests=write | write', createPull),
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
  return forVersion(call.version, await pullDetail(call.hub, call.repo, issue));
}

function listPulls(call: RepoCall): Answer {
  const { query } = call;
  const state = query.state ?? 'open';
  const head = query.head?.replace(`${call.repo.owner}:`, '');
  const rows = call.hub.db
    .filter('issues', (one) => one.repository_id === call.repo.id && (state === 'all' || one.state === state))
    .filter(isPull)
    .filter(({ pull }) => (!head || pull.head_ref === head) && (!query.base || pull.base_ref === query.base));
  return list(call, sorted(rows, query), (one) =>
    forVersion(call.version, pullShape(call.hub, call.repo, one)),
  );
}

const NEW_PULL = z.object({
  title: z.string().min(1),
  head: z.string().min(1),
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

async function checkEnds(call: RepoCall, input: { head: string; base: string }) {
  const git = call.hub.git(call.repo);
  const [owner, branch] = input.head.includes(':') ? input.head.split(':', 2) : [call.repo.owner, input.head];
  const head_ref = branch ?? '';
  const head_sha = owner === call.repo.owner ? await refSha(git, `refs/heads/${head_ref}`) : undefined;
  if (!head_sha) throw invalid({ resource: 'PullRequest', field: 'head', code: 'invalid' });
  const base_sha = await refSha(git, `refs/heads/${input.base}`);
  if (!base_sha) throw invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' });
  if (await isAncestor(git, head_sha, base_sha)) {
    const message = `No commits between ${input.base} and ${head_ref}`;
    throw invalid({ resource: 'PullRequest', code: 'custom', message });
  }
  const twin = openPulls(call.hub, call.repo).find(
    ({ pull }) => pull.head_ref === head_ref && pull.base_ref === input.base,
  );
  if (twin) {
    const message = `A pull request already exists for ${call.repo.owner}:${head_ref}.`;
    throw invalid({ resource: 'PullRequest', code: 'custom', message });
  }
  return { head_ref, head_sha, base_ref: input.base, base_sha };
}

const PATCH = z.object({
  title: z.string().min(1).optional(),
  body: z.string().nullable().optional(),
  state: z.enum(['open', 'closed']).optional(),
  base: z.string().optional(),
});

async function updatePull(call: RepoCall): Promise<Answer> {
  const { hub, actor } = call;
  const input = parseBody(call, PATCH);
  checkBody('PullRequest', input.body);
  return hub.exclusive(`refs/${call.repo.id}`, async () => {
    const issue = fromPath(call);
    checkMayChange(call, issue);
    checkState(issue, input.state);
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
  const from = { ref: issue.pull.base_ref, sha: issue.pull.base_sha };
  Object.assign(issue.pull, { base_ref: base, base_sha: sha });
  const change = { hub, repo: call.repo, actor, sender: actorLogin(actor), issue };
  await writeTestMerge(change);
  issue.updated_at = timestamp();
  hub.db.put('issues', issueKey(call.repo, issue.number), issue);
  const more = { changes: { base: { ref: { from: from.ref }, sha: { from: from.sha } } } };
  await emitPull({ ...change, action: 'edited', more });
}

/** A closed pull request did not follow its branches: it catches up when it is opened again. */
async function revive(call: RepoCall, issue: PullIssue): Promise<void> {
  const git = call.hub.git(call.repo);
  const head = await refSha(git, `refs/heads/${issue.pull.head_ref}`);
  const base = await refSha(git, `refs/heads/${issue.pull.base_ref}`);
  if (!head || !base)
    throw invalid({
      resource: 'PullRequest',
      field: 'state',
      code: 'invalid',
      message: 'state cannot be changed. The branch was deleted.',
    });
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
