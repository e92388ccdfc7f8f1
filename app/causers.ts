import type { PullRequest } from '#lib/github/pulls.ts';
import { monitorRecordSchema } from '#lib/lifecycle/records.ts';
import { retrainingWindow } from '../templates/retraining.ts';
import type { Project } from './project.ts';
import { readRecord, recordPath } from './records.ts';

/** The person whose command made the monitor look, and so caused this pull request; empty for any other. */
export async function causersOf({ state }: Pick<Project, 'state'>, { head }: PullRequest): Promise<string[]> {
  const window = retrainingWindow(head.ref);
  if (window === null) return [];
  const record = await readRecord(state, recordPath.monitor(window.model, window.day), monitorRecordSchema);
  return record?.asked_by ? [record.asked_by] : [];
}
