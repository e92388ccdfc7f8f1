import { parseConfig } from '#lib/formats/config.ts';
import { digestOfJson } from '#lib/formats/digest.ts';
import type { EvaluateRecord, TrainRecord } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { readTree } from './model-tree.ts';
import type { Project } from './project.ts';
import type { Work } from './standing.ts';

/** A recorded training, as far as it can be judged again; the newest of one kind comes last. */
export type UsableTraining = { record: TrainRecord; holdout: 'present' | 'former' };

/**
 * The data job builds the champion's holdout too, so evidence that was made beside another champion needs it built
 * again, unless both champions make the same rows. Bytes of a former training are in the store once a trusted run
 * has accepted them.
 */
export async function readTrainings(work: Omit<Work, 'trainings'>): Promise<UsableTraining[]> {
  const { model, runs } = work;
  const { code, config } = model.merged.digests;
  const accepted = new Set(runs.flatMap((run) => (run.stage === 'evaluate' ? [keyOf(run.accepted)] : [])));
  const usable: UsableTraining[] = [];
  for (const record of runs) {
    if (record.stage !== 'train' || record.digests.code !== code || record.digests.config !== config)
      continue;
    if (await isPresent(work, record)) usable.push({ record, holdout: 'present' });
    else if (record.train.length > 0 && accepted.has(keyOf(record)))
      usable.push({ record, holdout: 'former' });
  }
  return usable;
}

function keyOf({ train }: Pick<TrainRecord, 'train'> | EvaluateRecord['accepted']): string {
  return train.join();
}

async function isPresent(
  { project, model, champion, history }: Omit<Work, 'trainings'>,
  record: TrainRecord,
): Promise<boolean> {
  if (record.min_rows !== model.merged.problem.data.min_rows) return false;
  const rival = champion?.candidate ?? null;
  if (record.champion === rival) return true;
  const former = history.registry.versions.find(({ candidate }) => candidate === record.champion);
  if (champion === null || former === undefined) return false;
  const rows = await rowsOf(project, model.name, champion.commit);
  return rows !== null && rows === (await rowsOf(project, model.name, former.commit));
}

/** Digest of what decides on the rows that a version's pipeline makes of given sources; null = it can't be read. */
async function rowsOf({ forge }: Project, model: string, commit: string): Promise<Digest | null> {
  const tree = await readTree(forge.trees, commit);
  const folder = `models/${model}`;
  const file = `${folder}/data.yml`;
  const text = await tree.read(file);
  if (text === null) return null;
  try {
    const { window, split, holdout, labels, unit, contract, ...rows } = parseConfig('data', { file, text });
    const steps = rows.pipeline.map((path) => tree.files.get(`${folder}/${path}`)?.sha ?? null);
    return digestOfJson({ rows, steps });
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
