import type { PullRequest } from '#lib/github/pulls.ts';
import { monitorRecordSchema } from '#lib/lifecycle/records.ts';
import type { Project } from './project.ts';
import { readRecord, recordPath } from './records.ts';

/** Branch of the retraining that one look of the monitor asked for. */
export function retrainBranch(model: string, as_of: string): string {
  return `roundhouse-retrain-${model}-${as_of.slice(0, 10)}`;
}

/** The person whose command made the monitor look, and so caused this pull request; empty for any other. */
export async function causersOf({ state }: Pick<Project, 'state'>, { head }: PullRequest): Promise<string[]> {
  const [, model, day] = /^roundhouse-retrain-(.+)-(\d{4}-\d{2}-\d{2})$/.exec(head.ref) ?? [];
  if (model === undefined || day === undefined) return [];
  const record = await readRecord(state, recordPath.monitor(model, day), monitorRecordSchema);
  return record?.asked_by ? [record.asked_by] : [];
}
