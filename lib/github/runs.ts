import type { FailedJob } from '#lib/lifecycle/lost-runner.ts';
import { orNull, type Repository, statusOf } from './repository.ts';

export type WorkflowRun = {
  id: number;
  attempt: number;
  /** `.github/workflows/roundhouse.yml` */
  path: string;
  title: string;
  event: string;
  actor: string;
  status: 'queued' | 'in_progress' | 'completed';
  conclusion: string | null;
  head_branch: string | null;
  head_sha: string;
  head_repository: string | null;
  created_at: string;
  url: string;
};

export type Runs = ReturnType<typeof runs>;

export function runs({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
  return {
    async get(id: number): Promise<WorkflowRun | null> {
      const answer = await orNull(octokit.rest.actions.getWorkflowRun({ ...at, run_id: id }));
      return answer && runOf(answer.data);
    },
    /** Newest first; at most 100. `since` is an instant, by which GitHub filters on creation. */
    async list(filter: { workflow: string; event?: string; since?: Date }): Promise<WorkflowRun[]> {
      const answer = await orNull(
        octokit.rest.actions.listWorkflowRuns({
          ...at,
          workflow_id: filter.workflow,
          per_page: 100,
          ...(filter.event === undefined ? {} : { event: filter.event }),
          ...(filter.since === undefined ? {} : { created: `>=${filter.since.toISOString()}` }),
        }),
      );
      return answer?.data.workflow_runs.map(runOf) ?? [];
    },
    /** Starts a workflow file of a branch. The answer's run id is null only on a GitHub that tells none. */
    async dispatch({
      workflow,
      ref,
      inputs,
    }: {
      workflow: string;
      ref: string;
      inputs: Record<string, string>;
    }): Promise<number | null> {
      const answer: { data: unknown } = await octokit.rest.actions.createWorkflowDispatch({
        ...at,
        workflow_id: workflow,
        ref,
        inputs,
      });
      const data = answer.data;
      if (typeof data !== 'object' || data === null || !('workflow_run_id' in data)) return null;
      return typeof data.workflow_run_id === 'number' ? data.workflow_run_id : null;
    },
    /** Jobs of the last attempt that failed, or ended before they could, with what their check runs were annotated. */
    async failedJobs(id: number): Promise<FailedJob[]> {
      const { rest, paginate } = octokit;
      const jobs = await paginate(rest.actions.listJobsForWorkflowRun, { ...at, run_id: id, per_page: 100 });
      const failed = jobs.filter(({ conclusion }) => !['success', 'skipped'].includes(conclusion ?? ''));
      return Promise.all(
        failed.map(async ({ name, check_run_url }) => {
          const check_run_id = Number(check_run_url.split('/').at(-1));
          const { data } = await rest.checks.listAnnotations({ ...at, check_run_id, per_page: 100 });
          return { name, notes: data.flatMap(({ message }) => message ?? []) };
        }),
      );
    },
    /** How long jobs of a run, of all its attempts, held self-hosted runners until `now`: minutes. */
    async runnerMinutes(id: number, now: Date): Promise<number> {
      const { rest, paginate } = octokit;
      const asked = { ...at, run_id: id, per_page: 100, filter: 'all' } as const;
      const jobs = (await orNull(paginate(rest.actions.listJobsForWorkflowRun, asked))) ?? [];
      const held = jobs.filter(({ runner_name, labels }) => runner_name && labels.includes('self-hosted'));
      return held.reduce((sum, { started_at, completed_at }) => {
        const end = completed_at === null ? now.getTime() : Date.parse(completed_at);
        return sum + Math.max(0, end - Date.parse(started_at)) / 60_000;
      }, 0);
    },
    /** One that has ended, or is gone, is as good as cancelled. */
    async cancel(id: number): Promise<void> {
      try {
        await octokit.rest.actions.cancelWorkflowRun({ ...at, run_id: id });
      } catch (error) {
        if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
      }
    },
  };
}

type ApiRun = {
  id: number;
  run_attempt?: number | undefined;
  path: string;
  display_title: string;
  event: string;
  actor?: { login: string } | null | undefined;
  status: string | null;
  conclusion: string | null;
  head_branch: string | null;
  head_sha: string;
  head_repository?: { full_name: string } | null | undefined;
  created_at: string;
  html_url: string;
};

function runOf(run: ApiRun): WorkflowRun {
  return {
    id: run.id,
    attempt: run.run_attempt ?? 1,
    path: run.path.split('@')[0] ?? run.path,
    title: run.display_title,
    event: run.event,
    actor: run.actor?.login ?? '',
    status: run.status === 'completed' || run.status === 'in_progress' ? run.status : 'queued',
    conclusion: run.conclusion,
    head_branch: run.head_branch,
    head_sha: run.head_sha,
    head_repository: run.head_repository?.full_name ?? null,
    created_at: run.created_at,
    url: run.html_url,
  };
}
