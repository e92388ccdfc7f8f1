import type { Hub } from '../hub.ts';
import type { Repository } from '../rows/repository.ts';
import type { Artifact, Job, Run, Workflow } from '../rows/run.ts';
import { htmlUrl, nodeId, repositoryShape, repoUrl, userShape } from './account.ts';
import { pullsOfHead } from './check.ts';
import { type Commit, eventCommit } from './commit.ts';

export function workflowShape(hub: Hub, repo: Repository, workflow: Workflow) {
  return {
    id: workflow.id,
    node_id: nodeId('Workflow', workflow.id),
    name: workflow.name,
    path: workflow.path,
    state: workflow.state,
    created_at: workflow.created_at,
    updated_at: workflow.updated_at,
    url: repoUrl(hub, repo, `/actions/workflows/${workflow.id}`),
    html_url: htmlUrl(hub, repo, `/blob/${repo.default_branch}/${workflow.path}`),
    badge_url: htmlUrl(hub, repo, `/workflows/${encodeURIComponent(workflow.name)}/badge.svg`),
  };
}

export function runShape(options: { hub: Hub; repo: Repository; run: Run; commit: Commit | undefined }) {
  const { hub, repo, run, commit } = options;
  const url = repoUrl(hub, repo, `/actions/runs/${run.id}`);
  const short = repositoryShape(hub, repo);
  return {
    id: run.id,
    name: run.name,
    node_id: nodeId('WorkflowRun', run.id),
    check_suite_id: run.suite_id,
    check_suite_node_id: nodeId('CheckSuite', run.suite_id),
    head_branch: run.head_branch,
    head_sha: run.head_sha,
    path: run.path,
    display_title: run.display_title,
    run_number: run.run_number,
    run_attempt: run.attempt,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: run.workflow_id,
    url,
    html_url: htmlUrl(hub, repo, `/actions/runs/${run.id}`),
    pull_requests: run.pull_numbers.length > 0 ? pullsOfHead(hub, repo, run.head_sha) : [],
    created_at: run.created_at,
    updated_at: run.updated_at,
    run_started_at: run.run_started_at,
    actor: userShape(hub, run.actor),
    triggering_actor: userShape(hub, run.triggering_actor),
    referenced_workflows: [],
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: repoUrl(hub, repo, `/check-suites/${run.suite_id}`),
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: run.attempt > 1 ? `${url}/attempts/${run.attempt - 1}` : null,
    workflow_url: repoUrl(hub, repo, `/actions/workflows/${run.workflow_id}`),
    head_commit: commit ? eventCommit(hub, repo, commit) : null,
    repository: short,
    head_repository: run.from_fork === undefined ? short : forkShape(hub, run.from_fork),
  };
}

/** Null once the fork is deleted. */
function forkShape(hub: Hub, id: number) {
  const fork = hub.db.get('repositories', id);
  return fork ? repositoryShape(hub, fork) : null;
}

export function jobShape(options: { hub: Hub; repo: Repository; run: Run; job: Job }) {
  const { hub, repo, run, job } = options;
  const url = repoUrl(hub, repo, `/actions/jobs/${job.id}`);
  return {
    id: job.id,
    run_id: job.run_id,
    run_url: repoUrl(hub, repo, `/actions/runs/${job.run_id}`),
    run_attempt: job.attempt,
    node_id: nodeId('Job', job.id),
    head_sha: run.head_sha,
    head_branch: run.head_branch,
    url,
    html_url: htmlUrl(hub, repo, `/actions/runs/${job.run_id}/job/${job.id}`),
    status: job.status,
    conclusion: job.conclusion,
    created_at: job.created_at,
    started_at: job.started_at ?? job.created_at,
    completed_at: job.completed_at,
    name: job.name,
    steps: job.steps,
    check_run_url: repoUrl(hub, repo, `/check-runs/${job.check_id}`),
    labels: job.labels,
    runner_id: job.runner_name ? 1 : null,
    runner_name: job.runner_name,
    runner_group_id: job.runner_name ? 1 : null,
    runner_group_name: job.runner_name ? 'Default' : null,
    workflow_name: run.name,
  };
}

export function artifactShape(hub: Hub, repo: Repository, artifact: Artifact) {
  const url = repoUrl(hub, repo, `/actions/artifacts/${artifact.id}`);
  const run = hub.db.get('runs', artifact.run_id);
  return {
    id: artifact.id,
    node_id: nodeId('Artifact', artifact.id),
    name: artifact.name,
    size_in_bytes: artifact.size,
    url,
    archive_download_url: `${url}/zip`,
    expired: Date.parse(artifact.expires_at) < Date.now(),
    created_at: artifact.created_at,
    updated_at: artifact.updated_at,
    expires_at: artifact.expires_at,
    digest: `sha256:${artifact.sha256}`,
    workflow_run: {
      id: artifact.run_id,
      repository_id: repo.id,
      head_repository_id: repo.id,
      head_branch: run?.head_branch ?? null,
      head_sha: run?.head_sha ?? null,
    },
  };
}
