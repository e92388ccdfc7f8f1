import type { Repository } from './repository.ts';

/** A verdict that waits for people is `action_required`: a check left in progress goes stale after 14 days. */
export type Conclusion = 'success' | 'failure' | 'neutral' | 'action_required';
export type Check = {
  name: string;
  title: string;
  summary: string;
  /** null = still working. */
  conclusion: Conclusion | null;
  details_url: string | null;
  external_id: string | null;
};
export type PostedCheck = Check & { id: number };

export type Checks = ReturnType<typeof checks>;

/** Check runs of one app on a commit: a job with `checks: write` can post others of the same name. */
export function checks({ octokit, owner, repo }: Repository, appId: number | null) {
  const at = { owner, repo };
  return {
    async list(ref: string): Promise<PostedCheck[]> {
      const runs = await octokit.paginate(octokit.rest.checks.listForRef, {
        ...at,
        ref,
        ...(appId === null ? {} : { app_id: appId }),
        filter: 'latest',
        per_page: 100,
      });
      return runs
        .filter((run) => run.name.startsWith('roundhouse/'))
        .map((run) => ({
          id: run.id,
          name: run.name,
          title: run.output.title ?? '',
          summary: run.output.summary ?? '',
          conclusion: run.status === 'completed' ? ((run.conclusion ?? null) as Conclusion | null) : null,
          details_url: run.details_url,
          // GitHub says '' where none was given.
          external_id: run.external_id || null,
        }));
    },
    async create(head: string, check: Check): Promise<void> {
      await octokit.rest.checks.create({ ...at, name: check.name, head_sha: head, ...fieldsOf(check) });
    },
    async update(id: number, check: Check): Promise<void> {
      await octokit.rest.checks.update({ ...at, check_run_id: id, ...fieldsOf(check) });
    },
  };
}

function fieldsOf(check: Check) {
  return {
    output: { title: check.title, summary: check.summary },
    ...(check.details_url === null ? {} : { details_url: check.details_url }),
    ...(check.external_id === null ? {} : { external_id: check.external_id }),
    ...(check.conclusion === null
      ? { status: 'in_progress' as const }
      : { status: 'completed' as const, conclusion: check.conclusion }),
  };
}
