import { type PromotionRecord, promotionRecordSchema } from '#lib/lifecycle/records.ts';
import { listRecords, recordPath } from '#lib/records/records.ts';
import type { Project } from './project.ts';

/** What was last promoted to an environment; null = nothing yet. Comments are numbered in the order they came. */
export async function lastPromotion(
  { state }: Pick<Project, 'state'>,
  model: string,
  environment: string,
): Promise<PromotionRecord | null> {
  const found = await listRecords(state, recordPath.promotions(model, environment), promotionRecordSchema);
  return found.toSorted((a, b) => a.comment - b.comment).at(-1) ?? null;
}
