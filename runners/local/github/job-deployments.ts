import { ACTIONS_APP_ID, ACTIONS_BOT } from './auth.ts';
import { type Hub, timestamp } from './hub.ts';
import type { Deployment, DeploymentStatus, Environment } from './rows/deployment.ts';
import type { Repository } from './rows/repository.ts';
import type { Job, Run } from './rows/run.ts';
import { htmlUrl } from './shapes/account.ts';
import { deploymentShape, deploymentStatusShape } from './shapes/release.ts';
import { jobShape, runShape, workflowShape } from './shapes/run.ts';
import { emit } from './webhooks.ts';

type JobContext = { hub: Hub; repo: Repository; run: Run; job: Job };

/** A job with an `environment:` makes a deployment of its own, unless that says `deployment: false`. */
export function createJobDeployment(context: JobContext, environment: Environment): Deployment {
  const { hub, repo, run } = context;
  const now = timestamp();
  const id = hub.db.nextId();
  const deployment = hub.db.put('deployments', id, {
    ...{ id, repository_id: repo.id, sha: run.sha, ref: run.ref.replace(/^refs\/(heads|tags)\//, '') },
    ...{ task: 'deploy', payload: {}, environment: environment.name, original_environment: environment.name },
    ...{ description: null, creator: ACTIONS_BOT, via_app: ACTIONS_APP_ID, transient_environment: false },
    ...{ production_environment: environment.name === 'production', created_at: now, updated_at: now },
  });
  const payload = { deployment: deploymentShape(hub, repo, deployment), ...origin(context) };
  emit(hub, { repo, event: 'deployment', action: 'created', sender: ACTIONS_BOT, payload });
  return deployment;
}

export function addJobStatus(
  context: JobContext,
  deployment: Deployment,
  state: DeploymentStatus['state'],
): void {
  const { hub, repo, run, job } = context;
  const id = hub.db.nextId();
  const status = hub.db.put('deployment_statuses', id, {
    ...{ id, repository_id: repo.id, deployment_id: deployment.id, state, description: '' },
    ...{ environment: deployment.environment, environment_url: job.environment_url ?? '' },
    ...{ log_url: htmlUrl(hub, repo, `/actions/runs/${run.id}/job/${job.id}`), creator: ACTIONS_BOT },
    ...{ via_app: ACTIONS_APP_ID, created_at: timestamp() },
  });
  const payload = {
    deployment: deploymentShape(hub, repo, deployment),
    deployment_status: deploymentStatusShape(hub, repo, status),
    check_run: null,
    ...origin(context),
  };
  emit(hub, { repo, event: 'deployment_status', action: 'created', sender: ACTIONS_BOT, payload });
}

/** The deployment of a job goes as the job goes. */
export function followDeployment(context: JobContext): void {
  const { hub, run, job } = context;
  const id = hub.db.get('turns', `${run.id}/${job.key}`)?.deployment_id;
  const deployment = id ? hub.db.get('deployments', id) : undefined;
  if (!deployment) return;
  const ended = job.conclusion === 'success' ? 'success' : 'failure';
  addJobStatus(context, deployment, job.status === 'completed' ? ended : 'in_progress');
}

function origin({ hub, repo, run, job }: JobContext): Record<string, unknown> {
  const workflow = hub.db.get('workflows', run.workflow_id);
  return {
    workflow: workflow ? workflowShape(hub, repo, workflow) : null,
    workflow_run: runShape({ hub, repo, run, commit: undefined }),
    workflow_job: jobShape({ hub, repo, run, job }),
  };
}
