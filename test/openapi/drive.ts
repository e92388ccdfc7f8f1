import type { Octokit } from 'octokit';
import { R, startWorld, WORKFLOW, type World } from '../runners/github/harness.ts';
import { adminOf, ruleset } from '../runners/github/platform/admin.ts';
import type { Answer, ApiVersion } from './validator.ts';

export type Driven = { answers: Answer[]; deliveries: { event: string; body: string }[] };

/**
 * A new local GitHub of which every endpoint is asked that the product asks, by octokit, in one version of
 * the API. An endpoint that the product newly asks belongs here.
 */
export async function drive(version: ApiVersion): Promise<Driven> {
  const world = await startWorld();
  const answers: Answer[] = [];
  const stop = recordFetch(`${world.github.url}/api/`, version, (answer) => answers.push(answer));
  try {
    const scene = await opening(world);
    await asApp(world);
    await onIssues(scene);
    await onTeams(scene);
    await onSettings(scene);
    await onCode(scene);
    await onChecks(scene);
    await onPulls(scene);
    await onReleases(scene);
    await onDeployments(scene);
    await onRuns(scene);
    await refused(scene);
    await onQueue(scene);
    await onLife(scene);
    await world.control.call('GET', '/idle');
    const deliveries = world.hook.events.map(({ name, body }) => ({ event: name, body }));
    return { answers, deliveries };
  } finally {
    stop();
    await world.close();
  }
}

/** Everything that this process asks under `prefix`, with the version as a header. */
function recordFetch(prefix: string, version: ApiVersion, keep: (answer: Answer) => void): () => void {
  const inner = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.startsWith(prefix) || url.endsWith('/graphql')) return inner(input, init);
    const headers = new Headers(init?.headers);
    headers.set('x-github-api-version', version);
    const response = await inner(input, { ...init, headers });
    const copy = response.clone();
    const json = /json/.test(copy.headers.get('content-type') ?? '');
    const text = json ? await copy.text() : '';
    keep({
      method: init?.method ?? 'GET',
      path: new URL(url).pathname.replace(/^\/api\/(v3|uploads)/, '') || '/',
      // A download is answered by the address that fetch then followed.
      status: response.redirected && !json ? 302 : response.status,
      body: json && text !== '' ? JSON.parse(text) : undefined,
    });
    return response;
  };
  return () => {
    globalThis.fetch = inner;
  };
}

type Scene = {
  world: World;
  bot: Octokit;
  lead: Octokit;
  scientist: Octokit;
  main: string;
  work: Awaited<ReturnType<World['repository']>>;
};

async function opening(world: World): Promise<Scene> {
  const work = await world.repository('ml-lead');
  const main = await work.commit('first', {
    'README.md': '# Bikes\n',
    'docs/a.txt': 'a',
    '.github/workflows/train.yml': WORKFLOW,
  });
  await work.push('main');
  await work.git('checkout', '--quiet', '-b', 'topic');
  await work.commit('topic', { 'x.txt': 'x\n', 'README.md': '# Bikes, again\n' });
  await work.push('topic');
  const [lead, scientist] = [world.as('ml-lead'), world.as('data-scientist')];
  return { world, bot: await world.bot(), lead, scientist, main, work };
}

async function asApp({ app }: World): Promise<void> {
  const jwt = app.octokit.rest.apps;
  await jwt.getAuthenticated();
  const { data: installations } = await jwt.listInstallations();
  const id = installations[0]?.id ?? 0;
  await jwt.getInstallation({ installation_id: id });
  await jwt.getRepoInstallation(R);
  await jwt.getRepoInstallation(R);
  await jwt.getOrgInstallation({ org: R.owner });
  await jwt.createInstallationAccessToken({ installation_id: id, repositories: [R.repo] });
  const installation = await app.getInstallationOctokit(id);
  await installation.request('GET /installation/repositories');
  await installation.request('GET /rate_limit');
  const { data: deliveries } = await jwt.listWebhookDeliveries();
  const delivery_id = deliveries[0]?.id ?? 0;
  await jwt.getWebhookDelivery({ delivery_id });
  await jwt.redeliverWebhookDelivery({ delivery_id });
}

/** What `roundhouse doctor` looks at. */
async function onSettings({ world }: Scene): Promise<void> {
  const admin = await adminOf(world);
  const claim = { runner: 'box', labels: ['self-hosted'], wait_ms: 0 };
  await world.control.call('POST', '/runner/claim', claim);
  await admin.request('GET /repos/{owner}/{repo}/actions/permissions', R);
  await admin.request('GET /repos/{owner}/{repo}/actions/permissions/workflow', R);
  await admin.request('GET /repos/{owner}/{repo}/actions/runners', R);
  await admin.request('GET /orgs/{org}/actions/runners', { org: R.owner });
  await admin.request('GET /orgs/{org}/teams/{team_slug}/members', { org: R.owner, team_slug: 'reviewers' });
  await admin.request('GET /repos/{owner}/{repo}/labels/{name}', { ...R, name: 'bug' });
  await world.app.octokit.request('GET /app/hook/config');
}

async function onIssues({ bot, lead, scientist }: Scene): Promise<void> {
  const { data: issue } = await scientist.rest.issues.create({
    ...R,
    title: 'Demand is wrong on holidays',
    body: '- [ ] look',
    labels: ['bug'],
    assignees: ['data-scientist'],
  });
  const at = { ...R, issue_number: issue.number };
  await bot.rest.issues.get(at);
  await bot.rest.issues.update({ ...at, body: '- [x] look' });
  await bot.rest.issues.addLabels({ ...at, labels: ['question'] });
  await bot.rest.issues.listLabelsOnIssue(at);
  await bot.rest.issues.listLabelsForRepo(R);
  const due_on = '2027-02-15T12:00:00Z';
  const { data: milestone } = await bot.rest.issues.createMilestone({ ...R, title: 'First model', due_on });
  await bot.rest.issues.update({ ...at, milestone: milestone.number });
  const task = await bot.rest.issues.create({ ...R, title: 'Data', milestone: milestone.number });
  await bot.rest.issues.addSubIssue({ ...at, sub_issue_id: task.data.id });
  await bot.rest.issues.listSubIssues(at);
  await bot.rest.issues.listMilestones(R);
  const { data: comment } = await bot.rest.issues.createComment({ ...at, body: 'What is missing' });
  await bot.rest.issues.getComment({ ...R, comment_id: comment.id });
  await bot.rest.issues.listComments(at);
  await bot.rest.issues.listCommentsForRepo(R);
  await bot.rest.issues.updateComment({ ...R, comment_id: comment.id, body: 'Nothing is missing' });
  await bot.rest.reactions.createForIssueComment({ ...R, comment_id: comment.id, content: 'eyes' });
  await bot.rest.issues.deleteComment({ ...R, comment_id: comment.id });
  await bot.rest.issues.update({ ...at, state: 'closed', state_reason: 'completed' });
  await lead.rest.issues.listForRepo({ ...R, state: 'all' });
  await bot.rest.issues.update({ ...at, state: 'open' });
}

async function onTeams({ world, bot, lead }: Scene): Promise<void> {
  await lead.rest.users.getAuthenticated();
  await lead.rest.repos.get(R);
  await bot.rest.users.getByUsername({ username: 'ml-lead' });
  await bot.rest.repos.getCollaboratorPermissionLevel({ ...R, username: 'ml-lead' });
  await lead.rest.repos.listCollaborators(R);
  const member = { org: R.owner, team_slug: 'reviewers', username: 'ml-lead' };
  await world.control.call('PUT', '/teams/acme/reviewers', { members: { 'ml-lead': 'member' } });
  await bot.rest.teams.getMembershipForUserInOrg(member);
}

async function onCode({ bot, lead, main }: Scene): Promise<void> {
  await lead.rest.repos.getContent({ ...R, path: 'README.md' });
  await lead.rest.repos.getContent({ ...R, path: 'docs' });
  await lead.rest.repos.getBranch({ ...R, branch: 'main' });
  await lead.rest.repos.listBranches(R);
  await bot.rest.repos.listCommits({ ...R, path: 'README.md' });
  await bot.rest.repos.getCommit({ ...R, ref: main });
  await bot.rest.repos.compareCommitsWithBasehead({ ...R, basehead: 'main...topic' });
  const { data: ref } = await bot.rest.git.getRef({ ...R, ref: 'heads/main' });
  const { data: commit } = await bot.rest.git.getCommit({ ...R, commit_sha: ref.object.sha });
  const { data: tree } = await bot.rest.git.getTree({ ...R, tree_sha: commit.tree.sha, recursive: '1' });
  const blob = tree.tree.find(({ type }) => type === 'blob')?.sha ?? '';
  await bot.rest.git.getBlob({ ...R, file_sha: blob });
  await bot.rest.git.createBlob({ ...R, content: 'aGk=', encoding: 'base64' });
  const entry = { path: 'state.json', mode: '100644' as const, type: 'blob' as const, content: '{}' };
  const made = await bot.rest.git.createTree({ ...R, tree: [entry] });
  const orphan = await bot.rest.git.createCommit({ ...R, message: 'state', tree: made.data.sha });
  await bot.rest.git.createRef({ ...R, ref: 'refs/heads/roundhouse', sha: orphan.data.sha });
  const parents = [orphan.data.sha];
  const next = await bot.rest.git.createCommit({ ...R, message: 'more', tree: made.data.sha, parents });
  await bot.rest.git.updateRef({ ...R, ref: 'heads/roundhouse', sha: next.data.sha, force: false });
  await bot.rest.git.createRef({ ...R, ref: 'refs/heads/lock', sha: orphan.data.sha });
  await bot.rest.git.deleteRef({ ...R, ref: 'heads/lock' });
  const tag = { tag: 'bikes@v1.0.0', message: 'version: 1.0.0', object: main, type: 'commit' as const };
  const tagged = await bot.rest.git.createTag({ ...R, ...tag });
  await bot.rest.git.createRef({ ...R, ref: 'refs/tags/bikes@v1.0.0', sha: tagged.data.sha });
  await bot.rest.git.getTag({ ...R, tag_sha: tagged.data.sha });
  await bot.rest.git.listMatchingRefs({ ...R, ref: 'tags/bikes@' });
  await lead.rest.repos.listTags(R);
}

async function onChecks({ bot, main }: Scene): Promise<void> {
  const annotation = {
    path: 'a',
    start_line: 1,
    end_line: 1,
    annotation_level: 'notice',
    message: 'm',
  } as const;
  const { data: open } = await bot.rest.checks.create({
    ...R,
    name: 'roundhouse/gate',
    head_sha: main,
    status: 'in_progress',
    external_id: 'r-1',
  });
  const check_run_id = open.id;
  await bot.rest.checks.update({
    ...R,
    check_run_id,
    conclusion: 'success',
    output: { title: 'Passed', summary: 'all gates', annotations: [annotation] },
  });
  await bot.rest.checks.get({ ...R, check_run_id });
  await bot.rest.checks.listForRef({ ...R, ref: main, filter: 'all' });
  await bot.rest.checks.listAnnotations({ ...R, check_run_id });
  await bot.rest.checks.rerequestRun({ ...R, check_run_id });
  await bot.rest.repos.createCommitStatus({ ...R, sha: main, state: 'success', context: 'ci' });
  await bot.rest.repos.getCombinedStatusForRef({ ...R, ref: main });
  await bot.rest.repos.listCommitStatusesForRef({ ...R, ref: main });
}

async function onPulls({ world, bot, lead, scientist, work }: Scene): Promise<void> {
  const opened = await scientist.rest.pulls.create({
    ...R,
    title: 'Better',
    head: 'topic',
    base: 'main',
    body: 'why',
  });
  const pull = { ...R, pull_number: opened.data.number };
  await bot.rest.pulls.get(pull);
  await bot.rest.pulls.list({ ...R, state: 'all' });
  await bot.rest.pulls.listFiles(pull);
  await bot.rest.pulls.listCommits(pull);
  await bot.rest.pulls.update({ ...pull, title: 'Better still' });
  await bot.rest.pulls.requestReviewers({ ...pull, reviewers: ['ml-lead'] });
  await bot.rest.pulls.removeRequestedReviewers({ ...pull, reviewers: ['ml-lead'] });
  await bot.rest.pulls.listRequestedReviewers(pull);
  const review = await lead.rest.pulls.createReview({ ...pull, event: 'APPROVE', body: 'fine' });
  await lead.rest.pulls.listReviews(pull);
  await lead.rest.pulls.dismissReview({ ...pull, review_id: review.data.id, message: 'not so fine' });
  await work.git('checkout', '--quiet', 'main');
  await work.commit('beside', { 'beside.txt': 'b' });
  await work.push('main');
  await scientist.rest.pulls.updateBranch(pull);
  const merged = await lead.rest.pulls.merge({ ...pull, merge_method: 'squash' });
  await bot.rest.repos.listPullRequestsAssociatedWithCommit({ ...R, commit_sha: merged.data.sha });
  await bot.rest.pulls.get(pull);
  await world.event('pull_request', 'closed');
}

async function onReleases({ bot, lead, main }: Scene): Promise<void> {
  const { data: draft } = await bot.rest.repos.createRelease({
    ...R,
    tag_name: 'bikes@v1.0.0',
    name: 'bikes 1.0.0',
    body: 'first',
    draft: true,
    make_latest: 'false',
  });
  const release = { ...R, release_id: draft.id };
  for (const name of ['model.onnx', 'wrong.onnx']) {
    await bot.request({
      method: 'POST',
      url: draft.upload_url,
      name,
      data: Buffer.from('bytes'),
      headers: { 'content-type': 'application/octet-stream', 'content-length': 5 },
    });
  }
  const { data: assets } = await bot.rest.repos.listReleaseAssets(release);
  await bot.rest.repos.getReleaseAsset({ ...R, asset_id: assets[0]?.id ?? 0 });
  await bot.rest.repos.deleteReleaseAsset({ ...R, asset_id: assets[1]?.id ?? 0 });
  await bot.rest.repos.updateRelease({ ...release, draft: false, make_latest: 'false' });
  await bot.rest.repos.getRelease(release);
  await bot.rest.repos.getReleaseByTag({ ...R, tag: 'bikes@v1.0.0' });
  await lead.rest.repos.listReleases(R);
  await lead.rest.repos.createRelease({ ...R, tag_name: 'plain', target_commitish: main });
  await lead.rest.repos.getLatestRelease(R);
}

async function onDeployments({ bot, main }: Scene): Promise<void> {
  const at = { ...R, ref: main, environment: 'bikes/staging', required_contexts: [], auto_merge: false };
  const made = await bot.rest.repos.createDeployment({ ...at, payload: { model: 'bikes' } });
  const deployment_id = (made.data as { id: number }).id;
  for (const state of ['in_progress', 'success'] as const)
    await bot.rest.repos.createDeploymentStatus({ ...R, deployment_id, state, description: 'a step' });
  await bot.rest.repos.listDeployments(R);
  await bot.rest.repos.getDeployment({ ...R, deployment_id });
  await bot.rest.repos.listDeploymentStatuses({ ...R, deployment_id });
  await bot.rest.repos.getAllEnvironments(R);
}

async function onRuns({ world, bot }: Scene): Promise<void> {
  const dispatch = { ...R, workflow_id: 'train.yml', ref: 'main', inputs: { request_id: 'r-1' } };
  await bot.rest.actions.listRepoWorkflows(R);
  await bot.rest.actions.getWorkflow({ ...R, workflow_id: 'train.yml' });
  await bot.rest.actions.createWorkflowDispatch(dispatch);
  const run = await world.control.claim();
  if (!run) throw new Error('The dispatched run was not offered to the runner');
  const at = { ...R, run_id: run.id };
  await bot.rest.actions.getWorkflowRun(at);
  await bot.rest.actions.listWorkflowRuns({ ...R, workflow_id: 'train.yml' });
  await bot.rest.actions.listWorkflowRunsForRepo(R);
  await playJob(world, run.id);
  await world.control.call('PUT', `/runs/${run.id}/artifacts/evidence-train-1`, 'zip', 'application/zip');
  await bot.rest.actions.listJobsForWorkflowRun(at);
  const { data: artifacts } = await bot.rest.actions.listWorkflowRunArtifacts(at);
  const artifact_id = artifacts.artifacts[0]?.id ?? 0;
  await bot.rest.actions.getArtifact({ ...R, artifact_id });
  await bot.rest.actions.downloadArtifact({ ...R, artifact_id, archive_format: 'zip' });
  await bot.rest.actions.createWorkflowDispatch(dispatch);
  const other = await world.control.claim();
  await bot.rest.actions.cancelWorkflowRun({ ...R, run_id: other?.id ?? 0 });
  await world.event('workflow_run', 'completed');
}

/** A job as the runner tells it: queued, then in progress, then done. */
async function playJob({ control }: World, run: number): Promise<void> {
  const now = new Date().toISOString();
  const open = { conclusion: null, completed_at: null };
  const done = { status: 'completed', conclusion: 'success', started_at: now, completed_at: now } as const;
  const job = { key: 'a', name: 'a', labels: ['x'], runner_name: 'r1', annotations: [], summary: '' };
  const step = { number: 1, name: 's' };
  const states = [
    { ...open, status: 'queued', started_at: null, steps: [] },
    { ...open, status: 'in_progress', started_at: now, steps: [{ ...step, ...done }] },
    { ...done, steps: [{ ...step, ...done }] },
  ] as const;
  for (const { steps, ...state } of states)
    await control.update(run, { status: 'in_progress', jobs: [{ ...job, ...state, steps: [...steps] }] });
  await control.update(run, { status: 'completed', conclusion: 'success' });
}

async function onQueue({ world, bot, lead, work }: Scene): Promise<void> {
  const admin = await adminOf(world);
  await work.git('checkout', '--quiet', '-b', 'queued');
  await work.commit('queued', { 'queued.txt': 'q' });
  await work.push('queued');
  const undo = await ruleset(admin, { name: 'queue', rules: [{ type: 'merge_queue', parameters: QUEUE }] });
  await admin.rest.repos.getRepoRulesets(R);
  const { data: rules } = await bot.request('GET /repos/{owner}/{repo}/rules/branches/{branch}', {
    ...{ ...R, branch: 'main' },
  });
  const ruleset_id = rules[0]?.ruleset_id ?? 0;
  await admin.rest.repos.getRepoRuleset({ ...R, ruleset_id });
  const { data: pull } = await lead.rest.pulls.create({ ...R, title: 'Q', head: 'queued', base: 'main' });
  const enqueue =
    'mutation($id: ID!) { enqueuePullRequest(input: {pullRequestId: $id}) { clientMutationId } }';
  await lead.graphql(enqueue, { id: pull.node_id });
  await world.event('merge_group', 'destroyed');
  await undo();
}

const QUEUE = {
  ...{ check_response_timeout_minutes: 60, grouping_strategy: 'ALLGREEN', max_entries_to_build: 5 },
  ...{ max_entries_to_merge: 5, merge_method: 'MERGE', min_entries_to_merge: 1 },
  min_entries_to_merge_wait_minutes: 5,
};

async function onLife({ world }: Scene): Promise<void> {
  const admin = await adminOf(world);
  await admin.rest.repos.update({ ...R, archived: true });
  await admin.rest.repos.update({ ...R, archived: false });
  await admin.rest.repos.update({ ...R, name: 'cycles' });
  await admin.rest.repos.get(R);
  const { data } = await world.app.octokit.rest.apps.listInstallations();
  const at = { installation_id: data[0]?.id ?? 0 };
  await world.app.octokit.rest.apps.suspendInstallation(at);
  await world.app.octokit.rest.apps.unsuspendInstallation(at);
  await world.event('installation', 'unsuspend');
}

/** Refusals have described bodies too. */
async function refused({ world, bot, lead, main }: Scene): Promise<void> {
  const stranger = world.withToken('ghp_nobody');
  await stranger.rest.repos.get(R).catch(isRefusal);
  await bot.rest.issues.get({ ...R, issue_number: 4711 }).catch(isRefusal);
  await world
    .as('product-owner')
    .rest.issues.createLabel({ ...R, name: 'x' })
    .catch(isRefusal);
  await lead.rest.checks.create({ ...R, name: 'x', head_sha: main }).catch(isRefusal);
  await bot.rest.git.createRef({ ...R, ref: 'refs/heads/main', sha: main }).catch(isRefusal);
  await bot.rest.git.updateRef({ ...R, ref: 'heads/topic', sha: main, force: false }).catch(isRefusal);
  await bot.rest.issues.create({ ...R, title: 'x', body: 'x'.repeat(70_000) }).catch(isRefusal);
  await lead.rest.pulls.create({ ...R, title: 'x', head: 'gone', base: 'main' }).catch(isRefusal);
  await bot.rest.repos.createDeployment({ ...R, ref: 'gone' }).catch(isRefusal);
}

function isRefusal(error: unknown): void {
  const status = Number((error as { status?: number }).status);
  if (!(status >= 400 && status < 500)) throw error;
}
