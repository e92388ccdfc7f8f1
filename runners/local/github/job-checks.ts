import type { JobState } from '../protocol.ts';
import { ACTIONS_APP_ID, ACTIONS_BOT } from './auth.ts';
import type { Hub } from './hub.ts';
import type { Annotation, CheckRun } from './rows/check.ts';
import type { Repository } from './rows/repository.ts';
import type { Job, Run } from './rows/run.ts';
import { htmlUrl } from './shapes/account.ts';
import { checkEventShape } from './shapes/check.ts';
import { emit } from './webhooks.ts';

/** Every job is a check run of the app GitHub Actions on the run's own commit. */
export function mirrorCheck(options: { hub: Hub; repo: Repository; run: Run; job: Job }): void {
  const { hub, repo, run, job } = options;
  const before = hub.db.get('checks', job.check_id);
  const check: CheckRun = {
    id: job.check_id,
    repository_id: repo.id,
    suite_id: run.suite_id,
    app_id: ACTIONS_APP_ID,
    name: job.name,
    head_sha: run.head_sha,
    external_id: String(job.id),
    details_url: htmlUrl(hub, repo, `/actions/runs/${run.id}/job/${job.id}`),
    status: job.status,
    conclusion: job.conclusion,
    started_at: job.started_at ?? job.created_at,
    completed_at: job.completed_at,
    output: { title: null, summary: null, text: null },
    annotations: job.annotations.map(checkAnnotation),
    actions: [],
  };
  hub.db.put('checks', check.id, check);
  const action = !before
    ? 'created'
    : check.status === 'completed' && before.status !== 'completed' && 'completed';
  if (!action) return;
  const sender = run.triggering_actor || ACTIONS_BOT;
  emit(hub, {
    repo,
    event: 'check_run',
    action,
    sender,
    payload: { check_run: checkEventShape(hub, repo, check) },
  });
}

function checkAnnotation(one: JobState['annotations'][number]): Annotation {
  const line = one.line ?? 1;
  const end = Math.max(line, one.end_line ?? line);
  return {
    path: one.path ?? '.github',
    start_line: line,
    end_line: end,
    ...(end === line && { start_column: one.start_column, end_column: one.end_column }),
    annotation_level: one.level,
    message: one.message,
    title: one.title,
  };
}
