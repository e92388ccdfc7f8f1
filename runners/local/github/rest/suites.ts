import { actorLogin } from '../auth.ts';
import { type Answer, countedList, created, type Endpoint, ok, type RepoCall, repo } from '../endpoint.ts';
import { notFound } from '../refusal.ts';
import type { CheckRun } from '../rows/check.ts';
import { repositoryShape, repoUrl } from '../shapes/account.ts';
import { checkShape, suiteShape } from '../shapes/check.ts';
import { eventCommit, readCommit } from '../shapes/commit.ts';
import { emit } from '../webhooks.ts';

/** GitHub docs, rest/checks/suites. A suite is what one app posted on one commit. */
export const suites: Endpoint[] = [
  repo('GET /check-suites/:id', 'checks=read', async (call) => ok(await detail(call, suiteOf(call)))),
  repo('GET /check-suites/:id/check-runs', 'checks=read', (call) =>
    countedList(call, 'check_runs', suiteOf(call), (one) => checkShape(call.hub, call.repo, one)),
  ),
  repo('POST /check-suites/:id/rerequest', 'checks=write | write', rerequest),
];

function suiteOf(call: RepoCall): [CheckRun, ...CheckRun[]] {
  const [first, ...rest] = call.hub.db.filter(
    'checks',
    (one) => one.repository_id === call.repo.id && String(one.suite_id) === call.params.id,
  );
  if (!first) throw notFound();
  return [first, ...rest];
}

async function detail(call: RepoCall, [first, ...rest]: [CheckRun, ...CheckRun[]]) {
  const { hub, repo: row } = call;
  const commit = await readCommit(hub.git(row), first.head_sha);
  return {
    ...suiteShape(hub, row, first),
    head_commit: commit ? eventCommit(hub, row, commit) : null,
    repository: repositoryShape(hub, row),
    latest_check_runs_count: rest.length + 1,
    check_runs_url: repoUrl(hub, row, `/check-suites/${first.suite_id}/check-runs`),
    rerequestable: true,
    runs_rerequestable: true,
  };
}

/** Registered by rest/commits.ts, which owns `/commits/{ref}/…`. */
export async function suitesOfCommit(call: RepoCall, sha: string): Promise<Answer> {
  const { query } = call;
  const checks = call.hub.db.filter(
    'checks',
    (one) =>
      one.repository_id === call.repo.id &&
      one.head_sha === sha &&
      (!query.app_id || String(one.app_id) === query.app_id) &&
      (!query.check_name || one.name === query.check_name),
  );
  const firsts = checks.filter(
    (one, at) => checks.findIndex(({ suite_id }) => suite_id === one.suite_id) === at,
  );
  const rows = await Promise.all(
    firsts.map((first) =>
      detail(call, [first, ...checks.filter((one) => one.suite_id === first.suite_id && one !== first)]),
    ),
  );
  return countedList(call, 'check_suites', rows, (one) => one);
}

/** Goes to the app whose suite it is, and to no other. */
async function rerequest(call: RepoCall): Promise<Answer> {
  const [first] = suiteOf(call);
  await emitSuite(call, first, 'rerequested');
  return created({});
}

export async function emitSuite(
  call: Pick<RepoCall, 'hub' | 'repo' | 'actor'>,
  check: CheckRun,
  action: 'completed' | 'rerequested',
): Promise<void> {
  const { hub, repo: row } = call;
  const all = hub.db.filter('checks', (one) => one.suite_id === check.suite_id).length;
  const commit = await readCommit(hub.git(row), check.head_sha);
  const payload = {
    check_suite: {
      ...suiteShape(hub, row, check),
      head_commit: commit ? eventCommit(hub, row, commit) : null,
      latest_check_runs_count: all,
      check_runs_url: repoUrl(hub, row, `/check-suites/${check.suite_id}/check-runs`),
    },
  };
  emit(hub, {
    ...{ repo: row, event: 'check_suite', action, sender: actorLogin(call.actor), payload },
    ...(action === 'rerequested' ? { only_app: check.app_id } : {}),
  });
}
