import type { Actor } from './auth.ts';
import { type RefUpdate, ZERO } from './git-refs.ts';
import { matchesFilters } from './glob.ts';
import { type Hub, type PullIssue, timestamp } from './hub.ts';
import type { Issue } from './rows/issue.ts';
import type { Repository } from './rows/repository.ts';
import { createRun, knownWorkflow } from './runs.ts';
import { repositoryShape, userShape } from './shapes/account.ts';
import { readCommit } from './shapes/commit.ts';
import { parseWorkflow, strings, type WorkflowFile } from './workflow-file.ts';

type Cause = { hub: Hub; repo: Repository; actor: Actor; sender: string };

const WORKFLOW_PATH = /^\.github\/workflows\/[^/]+\.ya?ml$/;

/** All readable workflow files of a commit. */
export async function workflowFiles(hub: Hub, repo: Repository, commit: string): Promise<WorkflowFile[]> {
  const git = hub.git(repo);
  if (!(await git.info(`${commit}:.github/workflows`))) return [];
  const out = await git.text(['ls-tree', '--name-only', '-z', commit, '.github/workflows/']);
  const paths = out.split('\0').filter((path) => WORKFLOW_PATH.test(path));
  const files = await Promise.all(paths.map((path) => workflowAt({ hub, repo, commit, path })));
  return files.filter((file) => file !== undefined);
}

export async function workflowAt(at: {
  hub: Hub;
  repo: Repository;
  commit: string;
  path: string;
}): Promise<WorkflowFile | undefined> {
  const found = await at.hub.git(at.repo).read(`${at.commit}:${at.path}`);
  if (found?.type !== 'blob') return undefined;
  const parsed = parseWorkflow(at.path, found.content.toString());
  if (!('fault' in parsed)) return parsed;
  at.hub.log(`${at.repo.owner}/${at.repo.name}: ${at.path} is not a workflow: ${parsed.fault}`);
  return undefined;
}

/** The list of workflows is that of the default branch. */
export async function registerWorkflows(hub: Hub, repo: Repository): Promise<void> {
  const files = await workflowFiles(hub, repo, `refs/heads/${repo.default_branch}`);
  for (const file of files) {
    knownWorkflow(hub, repo, file);
    const never = Object.keys(file.on).filter((event) => !FIRED.includes(event));
    if (never.length > 0)
      hub.log(
        `${repo.owner}/${repo.name}: ${file.path}: the local GitHub starts no workflow on ${never.join(', ')}`,
      );
  }
  const present = new Set(files.map(({ path }) => path));
  const gone = hub.db.filter(
    'workflows',
    (one) => one.repository_id === repo.id && one.state !== 'deleted' && !present.has(one.path),
  );
  for (const workflow of gone) {
    hub.db.put('workflows', workflow.id, { ...workflow, state: 'deleted', updated_at: timestamp() });
  }
}

/** Events made with a job's GITHUB_TOKEN start no workflows, but for the two dispatches. */
function startsNothing({ actor }: Cause): boolean {
  return actor.kind === 'job';
}

/** GitHub docs, actions/how-tos/manage-workflow-runs/skip-workflow-runs: in the message, or as its last line after an empty one. */
const SKIP = /\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|\n\n+skip-checks: ?true\s*$/;

function isActive(hub: Hub, repo: Repository, file: WorkflowFile): boolean {
  const known = hub.db.find('workflows', (one) => one.repository_id === repo.id && one.path === file.path);
  return known?.state !== 'disabled_manually';
}

export async function onPush(
  cause: Cause & { update: RefUpdate; payload: Record<string, unknown> },
): Promise<void> {
  const { hub, repo, sender, update, payload } = cause;
  if (startsNothing(cause) || update.after === ZERO) return;
  const commit = await readCommit(hub.git(repo), update.after);
  if (!commit || SKIP.test(commit.message)) return;
  const paths = await changedPaths(cause, update);
  for (const file of await workflowFiles(hub, repo, commit.sha)) {
    const filter = file.on.push;
    if (
      !filter ||
      !isActive(hub, repo, file) ||
      !refMatches(filter, update.ref) ||
      !pathsMatch(filter, paths)
    )
      continue;
    const name = update.ref.replace(/^refs\/(heads|tags)\//, '');
    await createRun(hub, {
      ...{ repo, file, event: 'push', actor: sender, ref: update.ref, sha: commit.sha },
      ...{ event_payload: withSender(cause, payload), base_ref: '', head_ref: '' },
      ...{ head_branch: name, head_sha: commit.sha, title: headline(commit.message) },
    });
  }
}

export async function onPullRequest(
  cause: Cause & { issue: PullIssue; payload: Record<string, unknown> },
): Promise<void> {
  const { hub, repo, sender, issue, payload } = cause;
  const { pull } = issue;
  // A conflict has no merge to run on. In private repositories workflows of forks are off unless switched on
  // (GitHub docs, managing-github-actions-settings-for-a-repository): here they stay off.
  if (!pull.mergeable || !pull.merge_commit_sha || (pull.fork && repo.private)) return;
  const head = await readCommit(hub.git(repo), pull.head_sha);
  if (!head || SKIP.test(head.message)) return;
  const paths = await diffPaths(cause, `${pull.base_sha}...${pull.head_sha}`);
  for (const file of await workflowFiles(hub, repo, pull.merge_commit_sha)) {
    const filter = file.on.pull_request;
    if (!filter || !isActive(hub, repo, file)) continue;
    const types = strings(filter.types) ?? ['opened', 'synchronize', 'reopened'];
    if (!types.includes(String(payload.action)) || !pathsMatch(filter, paths)) continue;
    if (!branchMatches(filter, pull.base_ref)) continue;
    await createRun(hub, {
      ...{ repo, file, event: 'pull_request', event_payload: withSender(cause, payload), actor: sender },
      ...{ ref: `refs/pull/${issue.number}/merge`, sha: pull.merge_commit_sha, title: issue.title },
      ...{
        base_ref: pull.base_ref,
        head_ref: pull.head_ref,
        head_branch: pull.head_ref,
        head_sha: pull.head_sha,
      },
      pull_numbers: [issue.number],
      ...(pull.fork ? { from_fork: pull.fork.repository_id } : {}),
      // Since June 2026 (GitHub docs, actions/concepts/security/github_token): a writer lets it run.
      held: startsNothing(cause) || isNewcomer(hub, repo, issue),
    });
  }
}

/**
 * "First-time contributors who have never had a commit or pull request merged" wait for an approval unless set
 * otherwise (GitHub docs, managing-github-actions-settings-for-a-repository). Commits are not looked at here.
 */
function isNewcomer(hub: Hub, repo: Repository, { pull, user }: PullIssue): boolean {
  if (!pull.fork) return false;
  const merged = hub.db.find(
    'issues',
    (one) => one.repository_id === repo.id && one.user === user && Boolean(one.pull?.merged_at),
  );
  return merged === undefined;
}

/** `merge_group`: the files of the group's own commit. */
export async function onMergeGroup(
  cause: Cause & {
    group: { ref: string; head_sha: string };
    base: string;
    payload: Record<string, unknown>;
  },
): Promise<void> {
  const { hub, repo, sender, group, base, payload } = cause;
  const commit = await readCommit(hub.git(repo), group.head_sha);
  if (!commit) return;
  for (const file of await workflowFiles(hub, repo, group.head_sha)) {
    const filter = file.on.merge_group;
    if (!filter || !isActive(hub, repo, file) || !branchMatches(filter, base)) continue;
    const event_payload = withSender(cause, { action: 'checks_requested', ...payload });
    await createRun(hub, {
      ...{ repo, file, event: 'merge_group', event_payload, actor: sender },
      ...{ ref: group.ref, sha: group.head_sha, base_ref: '', head_ref: '' },
      ...{ head_branch: group.ref.slice(11), head_sha: group.head_sha, title: headline(commit.message) },
    });
  }
}

/** `issues` and `issue_comment`: always the default branch's files. */
export async function onIssueEvent(
  cause: Cause & { event: 'issues' | 'issue_comment'; issue: Issue; payload: Record<string, unknown> },
): Promise<void> {
  const { hub, repo, sender, event, issue, payload } = cause;
  if (startsNothing(cause)) return;
  const ref = `refs/heads/${repo.default_branch}`;
  const tip = await readCommit(hub.git(repo), ref);
  if (!tip) return;
  for (const file of await workflowFiles(hub, repo, tip.sha)) {
    const filter = file.on[event];
    const types = filter && strings(filter.types);
    if (!filter || !isActive(hub, repo, file) || (types && !types.includes(String(payload.action)))) continue;
    await createRun(hub, {
      ...{ repo, file, event, event_payload: withSender(cause, payload), actor: sender, ref, sha: tip.sha },
      ...{
        base_ref: '',
        head_ref: '',
        head_branch: repo.default_branch,
        head_sha: tip.sha,
        title: issue.title,
      },
    });
  }
}

/** `repository_dispatch`: the default branch's files; also what a job's GITHUB_TOKEN sends starts them. */
export async function onRepositoryDispatch(
  cause: Cause & { eventType: string; payload: Record<string, unknown> },
): Promise<void> {
  const { hub, repo, sender, eventType, payload } = cause;
  const ref = `refs/heads/${repo.default_branch}`;
  const tip = await readCommit(hub.git(repo), ref);
  if (!tip) return;
  for (const file of await workflowFiles(hub, repo, tip.sha)) {
    const filter = file.on.repository_dispatch;
    const types = filter && strings(filter.types);
    if (!filter || !isActive(hub, repo, file) || (types && !types.includes(eventType))) continue;
    await createRun(hub, {
      ...{ repo, file, event: 'repository_dispatch', event_payload: withSender(cause, payload) },
      ...{ actor: sender, ref, sha: tip.sha, base_ref: '', head_ref: '', title: eventType },
      ...{ head_branch: repo.default_branch, head_sha: tip.sha },
    });
  }
}

/** Triggers that the local GitHub fires; of the others its log says that they never come. */
const FIRED = [
  ...['push', 'pull_request', 'issues', 'issue_comment', 'workflow_dispatch', 'repository_dispatch'],
  ...['schedule', 'workflow_call', 'merge_group'],
];

export function withSender({ hub, repo, sender }: Omit<Cause, 'actor'>, payload: Record<string, unknown>) {
  return { repository: repositoryShape(hub, repo), ...payload, sender: userShape(hub, sender) };
}

export function headline(message: string): string {
  return message.split('\n')[0] ?? '';
}

function refMatches(filter: Record<string, unknown>, ref: string): boolean {
  const tag = ref.startsWith('refs/tags/');
  const wanted = strings(filter[tag ? 'tags' : 'branches']);
  const ignored = strings(filter[tag ? 'tags-ignore' : 'branches-ignore']);
  const name = ref.replace(/^refs\/(heads|tags)\//, '');
  if (wanted) return matchesFilters(name, wanted);
  if (ignored) return !matchesFilters(name, ignored);
  // A filter for the other kind alone leaves this kind out.
  const other = tag ? ['branches', 'branches-ignore'] : ['tags', 'tags-ignore'];
  return !other.some((key) => key in filter);
}

function branchMatches(filter: Record<string, unknown>, branch: string): boolean {
  const wanted = strings(filter.branches);
  const ignored = strings(filter['branches-ignore']);
  if (wanted) return matchesFilters(branch, wanted);
  return !(ignored && matchesFilters(branch, ignored));
}

function pathsMatch(filter: Record<string, unknown>, paths: string[] | undefined): boolean {
  const wanted = strings(filter.paths);
  const ignored = strings(filter['paths-ignore']);
  if (paths === undefined || (!wanted && !ignored)) return true;
  if (wanted) return paths.some((path) => matchesFilters(path, wanted));
  return paths.some((path) => !matchesFilters(path, ignored ?? []));
}

/** Undefined where filters by path do not apply: tags. */
async function changedPaths(cause: Cause, update: RefUpdate): Promise<string[] | undefined> {
  if (update.ref.startsWith('refs/tags/')) return undefined;
  if (update.before !== ZERO) return diffPaths(cause, `${update.before}..${update.after}`);
  return diffPaths(cause, `${update.after}^..${update.after}`);
}

async function diffPaths({ hub, repo }: Cause, range: string): Promise<string[] | undefined> {
  const out = await hub.git(repo).run(['diff', '--name-only', '--no-renames', '-z', range]);
  return out.code === 0 ? out.stdout.toString().split('\0').filter(Boolean) : undefined;
}
