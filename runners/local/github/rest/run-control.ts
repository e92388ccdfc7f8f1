import { z } from 'zod';
import { type Again, rerun } from '../attempts.ts';
import { actorLogin } from '../auth.ts';
import { type Answer, type Endpoint, noContent, ok, parseBody, type RepoCall, repo } from '../endpoint.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Run } from '../rows/run.ts';
import { admit, cancelRun, jobsOf, runEvent } from '../runs.ts';
import { emit } from '../webhooks.ts';
import { onRepositoryDispatch } from '../workflow-events.ts';
import { getJob, getRun, shownRun } from './actions.ts';

/** GitHub docs, rest/actions/workflow-runs: what people and apps do with a run that is there. */
export const runControl: Endpoint[] = [
  repo('POST /actions/runs/:id/cancel', 'actions=write | write', (call) => cancel(call, false)),
  repo('POST /actions/runs/:id/force-cancel', 'actions=write | write', (call) => cancel(call, true)),
  repo('POST /actions/runs/:id/rerun', 'actions=write | write', (call) => again(call, getRun(call), 'all')),
  repo('POST /actions/runs/:id/rerun-failed-jobs', 'actions=write | write', rerunFailed),
  repo('POST /actions/jobs/:id/rerun', 'actions=write | write', rerunJob),
  repo('POST /actions/runs/:id/approve', 'actions=write | write', approve),
  repo('GET /actions/runs/:id/attempts/:attempt', 'actions=read', getAttempt),
  repo('POST /dispatches', 'contents=write | write', repositoryDispatch),
];

async function cancel(call: RepoCall, force: boolean): Promise<Answer> {
  const run = getRun(call);
  if (run.status === 'completed') throw new Refusal(409, 'Cannot cancel a workflow run that is completed.');
  await cancelRun(call.hub, run, { force });
  return { status: 202, body: {} };
}

const RERUN = z.object({ enable_debug_logging: z.boolean().default(false) });
const RERUN_DAYS = 30;

async function again(call: RepoCall, run: Run, jobs: Again['jobs']): Promise<Answer> {
  const { enable_debug_logging: debug } = parseBody(call, RERUN);
  if (run.status !== 'completed') throw new Refusal(403, 'This workflow is already running');
  if (Date.now() - Date.parse(run.created_at) > RERUN_DAYS * 86_400_000)
    throw new Refusal(403, 'Unable to retry this workflow run because it was created over a month ago');
  await rerun(call.hub, run, { jobs, actor: actorLogin(call.actor), debug });
  return { status: 201, body: {} };
}

async function rerunFailed(call: RepoCall): Promise<Answer> {
  const run = getRun(call);
  const failed = jobsOf(call.hub, run).some(({ conclusion }) => conclusion && !GOOD.includes(conclusion));
  if (run.status === 'completed' && !failed)
    throw new Refusal(403, 'The workflow run containing this job has no failed jobs to retry');
  return again(call, run, 'failed');
}

const GOOD: string[] = ['success', 'skipped'];

async function rerunJob(call: RepoCall): Promise<Answer> {
  const job = getJob(call);
  const run = call.hub.db.get('runs', job.run_id);
  if (!run || job.attempt !== run.attempt) throw notFound();
  return again(call, run, { key: job.key });
}

/** A pull request by GITHUB_TOKEN leaves its runs waiting for a person (GitHub docs, concepts/security/github_token). */
async function approve(call: RepoCall): Promise<Answer> {
  const run = getRun(call);
  if (run.conclusion !== 'action_required')
    throw new Refusal(403, 'This run is not from a fork pull request or queued by GitHub Actions');
  if (call.actor.kind === 'job') throw new Refusal(403, 'Resource not accessible by integration');
  Object.assign(run, { conclusion: null, triggering_actor: actorLogin(call.actor) });
  await admit(await runEvent(call.hub, run));
  return { status: 201, body: {} };
}

/** GitHub docs, rest/repos/repos: a hundred characters of type, ten properties at the top of the payload. */
const DISPATCH = z.object({
  event_type: z.string().min(1).max(100),
  client_payload: z
    .record(z.string(), z.unknown())
    .refine(
      (value) => Object.keys(value).length <= 10,
      'No more than 10 properties are allowed; more were supplied.',
    )
    .default({}),
});

async function repositoryDispatch(call: RepoCall): Promise<Answer> {
  const { hub, actor } = call;
  const { event_type: eventType, client_payload } = parseBody(call, DISPATCH);
  const sender = actorLogin(actor);
  const payload = { action: eventType, branch: call.repo.default_branch, client_payload };
  const { action, ...rest } = payload;
  emit(hub, { repo: call.repo, event: 'repository_dispatch', action, sender, payload: rest });
  await onRepositoryDispatch({ hub, repo: call.repo, actor, sender, eventType, payload });
  return noContent();
}

async function getAttempt(call: RepoCall): Promise<Answer> {
  const run = getRun(call);
  const wanted = Number(call.params.attempt);
  const found = wanted === run.attempt ? run : call.hub.db.get('attempts', `${run.id}/${wanted}`);
  if (!found) throw notFound();
  return ok(await shownRun(call, found));
}
