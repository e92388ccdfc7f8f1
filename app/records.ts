import type { z } from 'zod';
import { digestOf, hexOf } from '#lib/formats/digest.ts';
import type { StateBranch } from '#lib/github/state-branch.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';

/** Where records lie on branch `roundhouse`. */
export const recordPath = {
  claim: (key: string) => `claims/${hexOf(digestOf(key))}.json`,
  evidence: (digest: Digest) => `evidence/${hexOf(digest).slice(0, 2)}/${hexOf(digest)}.json`,
  run: (model: string, run: { id: number; attempt: number }) => `runs/${model}/${run.id}-${run.attempt}.json`,
  approvals: (digest: Digest) => `approvals/${hexOf(digest)}/`,
  approval: (digest: Digest, comment: number) => `approvals/${hexOf(digest)}/${comment}.json`,
  hold: (issue: number) => `holds/${issue}.json`,
  deployments: (model: string, environment: string) => `deployments/${model}/${environment}/`,
  deployment: (model: string, environment: string, n: number) =>
    `deployments/${model}/${environment}/${n}.json`,
  registrations: (model: string) => `registrations/${model}/`,
  registration: (model: string, version: string) => `registrations/${model}/${version}.json`,
  monitor: (model: string, as_of: string) =>
    `monitor/${model}/${as_of.slice(0, 10).replaceAll('-', '/')}.json`,
};

export function recordText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export async function readRecord<Schema extends z.ZodType>(
  state: Pick<StateBranch, 'read'>,
  path: string,
  schema: Schema,
): Promise<z.output<Schema> | null> {
  const text = await state.read(path);
  return text === null ? null : schema.parse(JSON.parse(text));
}

/** All records below a folder, ordered by path. */
export async function listRecords<Schema extends z.ZodType>(
  state: Pick<StateBranch, 'read' | 'paths'>,
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
