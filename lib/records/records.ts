import type { z } from 'zod';
import { digestOf, hexOf } from '#lib/formats/digest.ts';
import { type MonitorRecord, monitorRecordSchema } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { RecordSource } from './source.ts';

/** Where records lie on branch `roundhouse`. */
export const recordPath = {
  claim: (key: string) => `claims/${hexOf(digestOf(key))}.json`,
  openRequests: (pull: number) => `requests/${pull}/`,
  openRequest: (pull: number, key: string) => `requests/${pull}/${hexOf(digestOf(key))}.json`,
  dispatch: (requestId: string) => `dispatches/${requestId}.json`,
  budget: (day: string) => `budgets/${day}.json`,
  cancel: (pull: number, comment: number) => `cancels/${pull}/${comment}.json`,
  updates: (pull: number) => `updates/${pull}/`,
  update: (pull: number, comment: number) => `updates/${pull}/${comment}.json`,
  evidence: (digest: Digest) => `evidence/${hexOf(digest).slice(0, 2)}/${hexOf(digest)}.json`,
  run: (model: string, run: { id: number; attempt: number }) => `runs/${model}/${run.id}-${run.attempt}.json`,
  approvals: (digest: Digest) => `approvals/${hexOf(digest)}/`,
  approval: (digest: Digest, comment: number) => `approvals/${hexOf(digest)}/${comment}.json`,
  frozen: (hex = '') => `frozen/${hex}`,
  freeze: (candidate: Digest) => `frozen/${hexOf(candidate)}.json`,
  ask: (digest: Digest) => `asks/${hexOf(digest)}.json`,
  overrides: (candidate: Digest) => `overrides/${hexOf(candidate)}/`,
  override: (candidate: Digest, comment: number) => `overrides/${hexOf(candidate)}/${comment}.json`,
  promotions: (model: string, environment: string) => `promotions/${model}/${environment}/`,
  promotion: (model: string, environment: string, comment: number) =>
    `promotions/${model}/${environment}/${comment}.json`,
  forks: (fork: number) => `forks/${fork}/`,
  fork: (fork: number, comment: number) => `forks/${fork}/${comment}.json`,
  decisions: (model: string) => `decisions/${model}/`,
  decision: (model: string, n: number) => `decisions/${model}/${n}.json`,
  procedures: (model: string) => `procedures/${model}/`,
  procedure: (model: string, digest: Digest) => `procedures/${model}/${hexOf(digest)}.json`,
  standingUses: (procedure: Digest) => `standing/${hexOf(procedure)}/`,
  standingUse: (procedure: Digest, candidate: Digest) =>
    `standing/${hexOf(procedure)}/${hexOf(candidate)}.json`,
  hold: (issue: number) => `holds/${issue}.json`,
  deployments: (model: string, environment: string) => `deployments/${model}/${environment}/`,
  deployment: (model: string, environment: string, n: number) =>
    `deployments/${model}/${environment}/${n}.json`,
  registrations: (model: string) => `registrations/${model}/`,
  registration: (model: string, version: string) => `registrations/${model}/${version}.json`,
  monitor: (model: string, as_of: string) => `${monitorDay(model, as_of)}.json`,
  /** A look that somebody asked for stands beside the one of the schedule. */
  monitorAsked: (model: string, as_of: string, run: number) =>
    `${monitorDay(model, as_of)}-asked-${run}.json`,
};

function monitorDay(model: string, as_of: string): string {
  return `monitor/${model}/${as_of.slice(0, 10).replaceAll('-', '/')}`;
}

export function recordText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A record that a newer release wrote, or that was changed by hand. */
export class UnreadableRecord extends Error {
  constructor(path: string, options: ErrorOptions) {
    super(`${path} on branch roundhouse is no record that this release can read`, options);
    this.name = 'UnreadableRecord';
  }
}

export async function readRecord<Schema extends z.ZodType>(
  state: Pick<RecordSource, 'read'>,
  path: string,
  schema: Schema,
): Promise<z.output<Schema> | null> {
  const text = await state.read(path);
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new UnreadableRecord(path, { cause });
  }
}

/** All records below a folder, ordered by path. */
export async function listRecords<Schema extends z.ZodType>(
  state: RecordSource,
  folder: string,
  schema: Schema,
): Promise<z.output<Schema>[]> {
  const found: z.output<Schema>[] = [];
  for (const path of await state.paths(folder)) {
    const record = await readRecord(state, path, schema);
    if (record !== null) found.push(record);
  }
  return found;
}

/** What monitoring found of a model, of one day or of all, in order of the data's time and then of writing. */
export async function monitorRecords(
  state: RecordSource,
  { model, day }: { model: string; day?: string },
): Promise<MonitorRecord[]> {
  const month = day?.slice(0, 7).replace('-', '/');
  const folder = `monitor/${model}/${month === undefined ? '' : `${month}/`}`;
  const records = await listRecords(state, folder, monitorRecordSchema);
  return records
    .filter(({ as_of }) => day === undefined || as_of.startsWith(day))
    .toSorted((a, b) => a.as_of.localeCompare(b.as_of) || a.at.localeCompare(b.at));
}
