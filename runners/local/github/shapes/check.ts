import type { Hub } from '../hub.ts';
import { openPulls } from '../hub.ts';
import type { CheckRun, CommitStatus } from '../rows/check.ts';
import type { Repository } from '../rows/repository.ts';
import { htmlUrl, nodeId, repoUrl, userShape, viaAppShape } from './account.ts';

/** The short form of the open pull requests whose head is `sha`. Those from forks are left out, as on GitHub. */
export function pullsOfHead(hub: Hub, repo: Repository, sha: string) {
  const short = { id: repo.id, url: repoUrl(hub, repo), name: repo.name };
  return openPulls(hub, repo)
    .filter(({ pull }) => pull.head_sha === sha && !pull.fork)
    .map((issue) => ({
      id: issue.id,
      number: issue.number,
      url: repoUrl(hub, repo, `/pulls/${issue.number}`),
      head: { ref: issue.pull.head_ref, sha: issue.pull.head_sha, repo: short },
      base: { ref: issue.pull.base_ref, sha: issue.pull.base_sha, repo: short },
    }));
}

export function checkShape(hub: Hub, repo: Repository, check: CheckRun) {
  const url = repoUrl(hub, repo, `/check-runs/${check.id}`);
  return {
    id: check.id,
    name: check.name,
    node_id: nodeId('CheckRun', check.id),
    head_sha: check.head_sha,
    external_id: check.external_id,
    url,
    html_url: htmlUrl(hub, repo, `/runs/${check.id}`),
    details_url: check.details_url || htmlUrl(hub, repo, `/runs/${check.id}`),
    status: check.status,
    conclusion: check.conclusion,
    started_at: check.started_at,
    completed_at: check.completed_at,
    output: {
      ...check.output,
      annotations_count: check.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: check.suite_id },
    app: viaAppShape(hub, check.app_id),
    pull_requests: pullsOfHead(hub, repo, check.head_sha),
  };
}

/** The suite of a check: all checks of one app on one commit. Webhooks carry it whole. */
export function suiteShape(hub: Hub, repo: Repository, check: CheckRun) {
  const all = hub.db.filter('checks', (one) => one.suite_id === check.suite_id);
  const open = all.find(({ status }) => status !== 'completed');
  const pulls = openPulls(hub, repo).filter(({ pull }) => pull.head_sha === check.head_sha);
  const failed = all.find(
    ({ conclusion }) => conclusion !== 'success' && conclusion !== 'neutral' && conclusion !== 'skipped',
  );
  return {
    id: check.suite_id,
    node_id: nodeId('CheckSuite', check.suite_id),
    head_branch: pulls[0]?.pull.head_ref ?? null,
    head_sha: check.head_sha,
    status: open?.status ?? 'completed',
    conclusion: open ? null : (failed?.conclusion ?? 'success'),
    url: repoUrl(hub, repo, `/check-suites/${check.suite_id}`),
    before: null,
    after: check.head_sha,
    pull_requests: pullsOfHead(hub, repo, check.head_sha),
    app: viaAppShape(hub, check.app_id),
    created_at: all[0]?.started_at ?? check.started_at,
    updated_at: check.completed_at ?? check.started_at,
  };
}

/** A check as webhooks carry it. */
export function checkEventShape(hub: Hub, repo: Repository, check: CheckRun) {
  return { ...checkShape(hub, repo, check), check_suite: suiteShape(hub, repo, check) };
}

export function statusShape(hub: Hub, repo: Repository, status: CommitStatus) {
  return {
    url: repoUrl(hub, repo, `/statuses/${status.sha}`),
    avatar_url: userShape(hub, status.creator).avatar_url,
    id: status.id,
    node_id: nodeId('Status', status.id),
    state: status.state,
    description: status.description,
    target_url: status.target_url,
    context: status.context,
    created_at: status.created_at,
    updated_at: status.updated_at,
    creator: userShape(hub, status.creator),
  };
}

/** The newest check of each name and app on a commit: what counts. */
export function latestChecks(hub: Hub, repo: Repository, sha: string): CheckRun[] {
  const newest = new Map<string, CheckRun>();
  for (const check of hub.db.filter(
    'checks',
    (one) => one.repository_id === repo.id && one.head_sha === sha,
  )) {
    newest.set(`${check.app_id} ${check.name}`, check);
  }
  return [...newest.values()];
}

/** The newest status of each context on a commit. */
export function latestStatuses(hub: Hub, repo: Repository, sha: string): CommitStatus[] {
  const newest = new Map<string, CommitStatus>();
  for (const status of hub.db.filter('statuses', (one) => one.repository_id === repo.id && one.sha === sha)) {
    newest.set(status.context, status);
  }
  return [...newest.values()];
}
