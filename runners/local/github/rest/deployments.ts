import { z } from 'zod';
import { actorLogin, viaApp } from '../auth.ts';
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
import { timestamp } from '../hub.ts';
import { isAncestor, mergeTree, webFlow, writeCommit } from '../merge.ts';
import { changeRef } from '../refs.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Deployment, DeploymentStatus } from '../rows/deployment.ts';
import { latestChecks, latestStatuses } from '../shapes/check.ts';
import { deploymentShape, deploymentStatusShape } from '../shapes/release.ts';
import { emit } from '../webhooks.ts';
import { personOf, resolveCommit } from './contents.ts';

export const deployments: Endpoint[] = [
  repo('GET /deployments', 'deployments=read', listDeployments),
  repo('POST /deployments', 'deployments=write | write', createDeployment),
  repo('GET /deployments/:id', 'deployments=read', (call) =>
    ok(deploymentShape(call.hub, call.repo, getDeployment(call))),
  ),
  repo('DELETE /deployments/:id', 'deployments=write | write', deleteDeployment),
  repo('GET /deployments/:id/statuses', 'deployments=read', listStatuses),
  repo('POST /deployments/:id/statuses', 'deployments=write | write', createStatus),
];

function ofRepository(call: RepoCall): Deployment[] {
  return call.hub.db.filter('deployments', (one) => one.repository_id === call.repo.id);
}

function listDeployments(call: RepoCall): Answer {
  const { query } = call;
  const rows = ofRepository(call).filter(
    (one) =>
      (!query.sha || one.sha === query.sha) &&
      (!query.ref || one.ref === query.ref) &&
      (!query.task || one.task === query.task) &&
      (!query.environment || one.environment === query.environment),
  );
  return list(call, rows.reverse(), (one) => deploymentShape(call.hub, call.repo, one));
}

/** The defaults are GitHub's own, dangerous ones (docs, rest/deployments). */
const DEPLOYMENT = z.object({
  ref: z.string().min(1),
  task: z.string().default('deploy'),
  auto_merge: z.boolean().default(true),
  required_contexts: z.array(z.string()).nullable().optional(),
  payload: z.unknown().default({}),
  environment: z.string().min(1).default('production'),
  description: z.string().max(140).nullable().default(null),
  transient_environment: z.boolean().default(false),
  production_environment: z.boolean().optional(),
});

async function createDeployment(call: RepoCall): Promise<Answer> {
  const { hub, actor } = call;
  const input = parseBody(call, DEPLOYMENT);
  const sha = await resolveCommit(hub, call.repo, input.ref);
  if (!sha) throw new Refusal(422, `No ref found for: ${input.ref}`);
  const merged = input.auto_merge ? await mergeDefaultBranch(call, input.ref, sha) : undefined;
  if (merged) return merged;
  checkContexts(call, sha, input.required_contexts);
  const now = timestamp();
  const deployment: Deployment = {
    id: hub.db.nextId(),
    repository_id: call.repo.id,
    sha,
    ref: input.ref,
    task: input.task,
    payload: input.payload ?? {},
    environment: input.environment,
    original_environment: input.environment,
    description: input.description,
    creator: actorLogin(actor),
    via_app: viaApp(actor),
    transient_environment: input.transient_environment,
    production_environment: input.production_environment ?? input.environment === 'production',
    created_at: now,
    updated_at: now,
  };
  hub.db.put('deployments', deployment.id, deployment);
  const payload = {
    deployment: deploymentShape(hub, call.repo, deployment),
    workflow: null,
    workflow_run: null,
  };
  emit(hub, { repo: call.repo, event: 'deployment', action: 'created', sender: actorLogin(actor), payload });
  return created(deploymentShape(hub, call.repo, deployment));
}

/** `auto_merge`: a branch behind the default branch is not deployed but brought up to date, with 202. */
async function mergeDefaultBranch(call: RepoCall, ref: string, sha: string): Promise<Answer | undefined> {
  const { hub, actor } = call;
  const git = hub.git(call.repo);
  const name = ref.replace(/^refs\/heads\//, '');
  const base = await refSha(git, `refs/heads/${call.repo.default_branch}`);
  const isBranch = (await refSha(git, `refs/heads/${name}`)) === sha;
  if (!base || !isBranch || (await isAncestor(git, base, sha))) return undefined;
  const tree = await mergeTree(git, sha, base);
  if (!tree) {
    throw new Refusal(409, `Conflict merging ${call.repo.default_branch} into ${ref}.`);
  }
  const after = await writeCommit(git, {
    ...{ tree, parents: [sha, base], message: `Merge branch '${call.repo.default_branch}' into ${name}` },
    ...{ author: personOf(hub, actor), committer: webFlow() },
  });
  await changeRef({ hub, repo: call.repo, actor, update: { ref: `refs/heads/${name}`, before: sha, after } });
  return {
    status: 202,
    body: { message: `Auto-merged ${call.repo.default_branch} into ${name} on deployment.` },
  };
}

/** Left out, `required_contexts` means every context that the commit has. */
function checkContexts(call: RepoCall, sha: string, required: string[] | null | undefined): void {
  const states = new Map<string, string>();
  for (const { name, conclusion, status } of latestChecks(call.hub, call.repo, sha)) {
    const passed = ['success', 'neutral', 'skipped'].includes(conclusion ?? '');
    states.set(name, passed ? 'success' : (conclusion ?? status));
  }
  for (const { context, state } of latestStatuses(call.hub, call.repo, sha)) states.set(context, state);
  const wanted = required ?? [...states.keys()];
  const failing = wanted.filter((context) => states.get(context) !== 'success');
  if (failing.length === 0) return;
  const contexts = wanted.map((context) => ({ context, state: states.get(context) ?? 'pending' }));
  throw new Refusal(409, `Conflict: Commit status checks failed for ${sha.slice(0, 7)}`, {
    errors: [{ contexts, resource: 'Deployment', field: 'required_contexts', code: 'invalid' }],
  });
}

function getDeployment(call: RepoCall): Deployment {
  const found = call.hub.db.get('deployments', call.params.id ?? '');
  if (found?.repository_id !== call.repo.id) throw notFound();
  return found;
}

function statusesOf(call: RepoCall, deployment: Deployment): DeploymentStatus[] {
  return call.hub.db.filter('deployment_statuses', (one) => one.deployment_id === deployment.id);
}

function deleteDeployment(call: RepoCall): Answer {
  const deployment = getDeployment(call);
  const others = ofRepository(call).length > 1;
  if (others && statusesOf(call, deployment).at(-1)?.state !== 'inactive') {
    throw new Refusal(
      422,
      'We cannot delete an active deployment unless it is the only deployment in a given environment.',
    );
  }
  call.hub.db.remove('deployments', deployment.id);
  return noContent();
}

function listStatuses(call: RepoCall): Answer {
  const rows = statusesOf(call, getDeployment(call)).reverse();
  return list(call, rows, (one) => deploymentStatusShape(call.hub, call.repo, one));
}

const STATUS = z.object({
  state: z.enum(['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success']),
  description: z.string().max(140).default(''),
  log_url: z.string().default(''),
  target_url: z.string().optional(),
  environment: z.string().optional(),
  environment_url: z.string().default(''),
  auto_inactive: z.boolean().default(true),
});

function createStatus(call: RepoCall): Answer {
  const deployment = getDeployment(call);
  const input = parseBody(call, STATUS);
  const environment = input.environment ?? deployment.environment;
  const status = addStatus(call, deployment, {
    ...{
      state: input.state,
      description: input.description,
      environment,
      environment_url: input.environment_url,
    },
    log_url: input.log_url || (input.target_url ?? ''),
  });
  Object.assign(deployment, { environment, updated_at: status.created_at });
  call.hub.db.put('deployments', deployment.id, deployment);
  if (input.state === 'success' && input.auto_inactive) inactivateOthers(call, deployment);
  return created(deploymentStatusShape(call.hub, call.repo, status));
}

function addStatus(
  call: RepoCall,
  deployment: Deployment,
  given: Pick<DeploymentStatus, 'state' | 'description' | 'environment' | 'environment_url' | 'log_url'>,
): DeploymentStatus {
  const { hub, actor } = call;
  const status: DeploymentStatus = {
    ...{ id: hub.db.nextId(), repository_id: call.repo.id, deployment_id: deployment.id, ...given },
    ...{ creator: actorLogin(actor), via_app: viaApp(actor), created_at: timestamp() },
  };
  hub.db.put('deployment_statuses', status.id, status);
  const payload = {
    deployment: deploymentShape(hub, call.repo, deployment),
    deployment_status: deploymentStatusShape(hub, call.repo, status),
    check_run: null,
    workflow: null,
    workflow_run: null,
  };
  emit(hub, {
    repo: call.repo,
    event: 'deployment_status',
    action: 'created',
    sender: actorLogin(actor),
    payload,
  });
  return status;
}

/** All earlier ones of the environment by NAME that are neither transient nor production. */
function inactivateOthers(call: RepoCall, deployment: Deployment): void {
  const earlier = ofRepository(call).filter(
    (one) =>
      one.id < deployment.id &&
      one.environment === deployment.environment &&
      !one.transient_environment &&
      !one.production_environment,
  );
  for (const one of earlier) {
    const last = statusesOf(call, one).at(-1);
    if (!last || last.state === 'inactive') continue;
    const { environment, environment_url, log_url } = last;
    addStatus(call, one, { state: 'inactive', description: '', environment, environment_url, log_url });
  }
}
