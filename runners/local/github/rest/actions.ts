import { zipSync } from 'fflate';
import { z } from 'zod';
import { actorLogin } from '../auth.ts';
import {
  type Answer,
  countedList,
  type Endpoint,
  noContent,
  ok,
  parseBody,
  type RepoCall,
  repo,
} from '../endpoint.ts';
import { refSha } from '../git-refs.ts';
import { notFound, Refusal, unprocessable } from '../refusal.ts';
import type { Artifact, Job, Run, Workflow } from '../rows/run.ts';
import { createRun, jobsOf } from '../runs.ts';
import { htmlUrl, repoUrl } from '../shapes/account.ts';
import { readCommit } from '../shapes/commit.ts';
import { artifactShape, jobShape, runShape, workflowShape } from '../shapes/run.ts';
import { signedPath } from '../signed-url.ts';
import { withSender, workflowAt } from '../workflow-events.ts';
import { type DispatchInput, dispatchInputs } from '../workflow-file.ts';

export const actions: Endpoint[] = [
  repo('GET /actions/workflows', 'actions=read', listWorkflows),
  repo('GET /actions/workflows/:workflow', 'actions=read', (call) =>
    ok(workflowShape(call.hub, call.repo, getWorkflow(call))),
  ),
  repo('GET /actions/workflows/:workflow/runs', 'actions=read', (call) => listRuns(call, getWorkflow(call))),
  repo('POST /actions/workflows/:workflow/dispatches', 'actions=write | write', dispatch),
  repo('PUT /actions/workflows/:workflow/enable', 'actions=write | write', (call) =>
    setState(call, 'active'),
  ),
  repo('PUT /actions/workflows/:workflow/disable', 'actions=write | write', (call) =>
    setState(call, 'disabled_manually'),
  ),
  repo('GET /actions/runs', 'actions=read', (call) => listRuns(call)),
  repo('GET /actions/runs/:id', 'actions=read', async (call) => ok(await shownRun(call, getRun(call)))),
  repo('GET /actions/runs/:id/attempts/:attempt/jobs', 'actions=read', (call) =>
    listJobs(call, Number(call.params.attempt)),
  ),
  repo('GET /actions/runs/:id/jobs', 'actions=read', (call) => listJobs(call)),
  repo('GET /actions/runs/:id/logs', 'actions=read', (call) =>
    toSigned(call, `runs/${getRun(call).id}/logs.zip`),
  ),
  repo('GET /actions/runs/:id/artifacts', 'actions=read', listRunArtifacts),
  repo('GET /actions/jobs/:id', 'actions=read', (call) => ok(shownJob(call, getJob(call)))),
  repo('GET /actions/jobs/:id/logs', 'actions=read', (call) =>
    toSigned(call, `jobs/${getJob(call).id}/log.txt`),
  ),
  repo('GET /actions/artifacts', 'actions=read', (call) => listArtifacts(call, () => true)),
  repo('GET /actions/artifacts/:id', 'actions=read', (call) =>
    ok(artifactShape(call.hub, call.repo, getArtifact(call))),
  ),
  repo('DELETE /actions/artifacts/:id', 'actions=write | write', deleteArtifact),
  repo('GET /actions/artifacts/:id/zip', 'actions=read', downloadArtifact),
];

function listWorkflows(call: RepoCall): Answer {
  const rows = call.hub.db.filter(
    'workflows',
    (one) => one.repository_id === call.repo.id && one.state !== 'deleted',
  );
  return countedList(call, 'workflows', rows, (one) => workflowShape(call.hub, call.repo, one));
}

/** By id or by file name. */
function getWorkflow(call: RepoCall): Workflow {
  const wanted = call.params.workflow ?? '';
  const found = call.hub.db.find(
    'workflows',
    (one) =>
      one.repository_id === call.repo.id &&
      one.state !== 'deleted' &&
      (String(one.id) === wanted || one.path === wanted || one.path === `.github/workflows/${wanted}`),
  );
  if (!found) throw notFound();
  return found;
}

function setState(call: RepoCall, state: Workflow['state']): Answer {
  const workflow = getWorkflow(call);
  call.hub.db.put('workflows', workflow.id, { ...workflow, state });
  return noContent();
}

const DISPATCH = z.object({
  ref: z.string().min(1),
  inputs: z.record(z.string(), z.unknown()).default({}),
  return_run_details: z.boolean().default(false),
});
const MAX_INPUTS = 25;
const MAX_INPUT_CHARACTERS = 65_535;

/** `ref` is a branch or a tag, never a SHA; the file must be on the default branch and on `ref`. */
async function dispatch(call: RepoCall): Promise<Answer> {
  const { hub, actor } = call;
  const workflow = getWorkflow(call);
  if (workflow.state === 'disabled_manually')
    throw unprocessable("Cannot trigger a 'workflow_dispatch' on a disabled workflow");
  const input = parseBody(call, DISPATCH);
  const git = hub.git(call.repo);
  const name = input.ref.replace(/^refs\/(heads|tags)\//, '');
  const branch = input.ref.startsWith('refs/tags/') ? undefined : await refSha(git, `refs/heads/${name}`);
  const ref = branch ? `refs/heads/${name}` : `refs/tags/${name}`;
  const commit = await readCommit(git, ref);
  if (!commit) throw unprocessable(`No ref found for: ${input.ref}`);
  const file = await workflowAt({ hub, repo: call.repo, commit: commit.sha, path: workflow.path });
  const declared = file && dispatchInputs(file);
  if (!declared) throw unprocessable("Workflow does not have 'workflow_dispatch' trigger");
  const inputs = checkInputs(declared, input.inputs);
  const sender = actorLogin(actor);
  const payload = { inputs, ref, workflow: workflow.path };
  const run = await createRun(hub, {
    ...{ repo: call.repo, file, event: 'workflow_dispatch', actor: sender, ref, sha: commit.sha, inputs },
    ...{ event_payload: withSender({ hub, repo: call.repo, sender }, payload), base_ref: '', head_ref: '' },
    ...{ head_branch: name, head_sha: commit.sha, title: file.name },
  });
  if (call.version === '2022-11-28' && !input.return_run_details) return noContent();
  return ok({
    workflow_run_id: run.id,
    run_url: repoUrl(hub, call.repo, `/actions/runs/${run.id}`),
    html_url: htmlUrl(hub, call.repo, `/actions/runs/${run.id}`),
  });
}

function checkInputs(
  declared: Record<string, DispatchInput>,
  given: Record<string, unknown>,
): Record<string, string> {
  const names = Object.keys(given);
  if (names.length > MAX_INPUTS) throw unprocessable(`Only ${MAX_INPUTS} inputs are allowed`);
  if (JSON.stringify(given).length > MAX_INPUT_CHARACTERS) throw unprocessable('inputs are too large.');
  const unknown = names.filter((name) => !Object.hasOwn(declared, name));
  if (unknown.length > 0) throw unprocessable(`Unexpected inputs provided: ${JSON.stringify(unknown)}`);
  const inputs: Record<string, string> = {};
  for (const [name, { type, required, default: fallback, options }] of Object.entries(declared)) {
    const value = given[name] ?? undefined;
    if (value !== undefined && typeof value === 'object')
      throw unprocessable(`Provided value for input '${name}' not of type ${type}`);
    const text = value === undefined || (value === '' && required) ? fallback : String(value);
    if (required && (text === undefined || text === ''))
      throw unprocessable(`Required input '${name}' not provided`);
    if (text !== undefined && value !== undefined) checkType(name, text, { type, options });
    inputs[name] = text ?? (type === 'boolean' ? 'false' : '');
  }
  return inputs;
}

function checkType(
  name: string,
  value: string,
  { type, options }: Pick<DispatchInput, 'type' | 'options'>,
): void {
  if (type === 'choice' && !options.includes(value)) {
    throw unprocessable(`Provided value '${value}' for input '${name}' not in the list of allowed values`);
  }
  const fits =
    type === 'boolean' ? /^(true|false)$/.test(value) : type !== 'number' || Number.isFinite(Number(value));
  if (!fits) throw unprocessable(`Provided value '${value}' for input '${name}' not of type ${type}`);
}

export async function shownRun(call: RepoCall, run: Run) {
  const commit = await readCommit(call.hub.git(call.repo), run.head_sha);
  return runShape({ hub: call.hub, repo: call.repo, run, commit });
}

async function listRuns(call: RepoCall, workflow?: Workflow): Promise<Answer> {
  const { query } = call;
  const rows = call.hub.db
    .filter(
      'runs',
      (one) =>
        one.repository_id === call.repo.id &&
        (!workflow || one.workflow_id === workflow.id) &&
        (!query.event || one.event === query.event) &&
        (!query.status || one.status === query.status || one.conclusion === query.status) &&
        (!query.branch || one.head_branch === query.branch) &&
        (!query.actor || one.actor === query.actor) &&
        (!query.head_sha || one.head_sha === query.head_sha) &&
        inRange(one.created_at, query.created),
    )
    .reverse();
  const { body, ...answer } = countedList(call, 'workflow_runs', rows, (run) => run);
  const { total_count, workflow_runs } = body as { total_count: number; workflow_runs: Run[] };
  return {
    ...answer,
    body: { total_count, workflow_runs: await Promise.all(workflow_runs.map((run) => shownRun(call, run))) },
  };
}

/** GitHub's search syntax for dates: `>=T`, `>T`, `<=T`, `<T`, `A..B`, or a day. */
function inRange(at: string, range: string | undefined): boolean {
  if (!range) return true;
  const time = Date.parse(at);
  const [from, to] = range.split('..', 2);
  if (from !== undefined && to !== undefined) {
    return (from === '*' || time >= Date.parse(from)) && (to === '*' || time <= Date.parse(to));
  }
  const [, sign = '', value = ''] = /^(>=|<=|>|<)?(.*)$/.exec(range) ?? [];
  const other = Date.parse(value);
  if (sign === '>=') return time >= other;
  if (sign === '>') return time > other;
  if (sign === '<=') return time <= other;
  return sign === '<' ? time < other : at.startsWith(value);
}

export function getRun(call: RepoCall): Run {
  const found = call.hub.db.get('runs', call.params.id ?? '');
  if (found?.repository_id !== call.repo.id) throw notFound();
  return found;
}

export function getJob(call: RepoCall): Job {
  const found = call.hub.db.get('jobs', call.params.id ?? '');
  if (found?.repository_id !== call.repo.id) throw notFound();
  return found;
}

function shownJob(call: RepoCall, job: Job) {
  const run = call.hub.db.get('runs', job.run_id);
  if (!run) throw notFound();
  return jobShape({ hub: call.hub, repo: call.repo, run, job });
}

function listJobs(call: RepoCall, attempt?: number): Answer {
  const run = getRun(call);
  const all = call.query.filter === 'all' && attempt === undefined;
  const rows = all
    ? call.hub.db.filter('jobs', (one) => one.run_id === run.id)
    : jobsOf(call.hub, run, attempt);
  return countedList(call, 'jobs', rows, (job) => shownJob(call, job));
}

function listArtifacts(call: RepoCall, matches: (one: Artifact) => boolean): Answer {
  const rows = call.hub.db.filter(
    'artifacts',
    (one) =>
      one.repository_id === call.repo.id &&
      !one.deleted &&
      matches(one) &&
      (!call.query.name || one.name === call.query.name),
  );
  return countedList(call, 'artifacts', rows.reverse(), (one) => artifactShape(call.hub, call.repo, one));
}

function listRunArtifacts(call: RepoCall): Answer {
  const run = getRun(call);
  return listArtifacts(call, ({ run_id }) => run_id === run.id);
}

function getArtifact(call: RepoCall): Artifact {
  const found = call.hub.db.get('artifacts', call.params.id ?? '');
  if (found?.repository_id !== call.repo.id || found.deleted) throw notFound();
  return found;
}

function deleteArtifact(call: RepoCall): Answer {
  const artifact = getArtifact(call);
  call.hub.db.put('artifacts', artifact.id, { ...artifact, deleted: true });
  return noContent();
}

function downloadArtifact(call: RepoCall): Answer {
  const artifact = getArtifact(call);
  if (Date.parse(artifact.expires_at) < Date.now()) throw new Refusal(410, 'Artifact has expired');
  return toSigned(call, `artifacts/${artifact.id}/archive.zip`);
}

/** Downloads are redirects to an address that needs no token and lives for a minute. */
function toSigned(call: RepoCall, path: string): Answer {
  return {
    status: 302,
    headers: { location: `${call.hub.origin}${signedPath(call.hub.secrets.control, path)}` },
  };
}

/** All logs of a run, one file per job, as GitHub packs them. */
export async function runLogs(call: Pick<RepoCall, 'hub'>, run: Run): Promise<Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const [at, job] of jobsOf(call.hub, run).entries()) {
    const text = await call.hub.blobs.log({ run_id: run.id, attempt: job.attempt, key: job.key });
    files[`${at}_${job.name.replaceAll(/[/\\:]/g, '_')}.txt`] = Buffer.from(text);
  }
  return zipSync(files);
}
