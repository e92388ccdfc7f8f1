import { join } from 'node:path';
import type { Build } from '#lib/data/build.ts';
import { contentDigest, parseKeySet } from '#lib/data/content.ts';
import { rowsWithKeys, writePart } from '#lib/data/parts.ts';
import { OUTPUT } from '#lib/data/pipeline.ts';
import type { Assignment } from '#lib/data/split.ts';
import type { Table } from '#lib/data/table.ts';
import type { DataResult } from '#lib/lifecycle/data-evidence.ts';
import type { DataRef } from '#lib/lifecycle/locks.ts';
import type { JobPlan, Part } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { StageDeps } from '../kit/stage.ts';
import type { Subject } from '../kit/statement.ts';

/** Puts objects and remembers them as the subjects of the statement. */
export type Desk = {
  subjects: Subject[];
  put(name: string, text: string): Promise<Digest>;
  putFile(name: string, path: string): Promise<Digest>;
};

export function openDesk({ exchange }: StageDeps): Desk {
  const subjects: Subject[] = [];
  const note = (name: string, digest: Digest) => {
    subjects.push({ name, digest });
    return digest;
  };
  return {
    subjects,
    put: async (name, text) => note(name, await exchange.put(name, text)),
    putFile: async (name, path) => note(name, await exchange.putFile(name, path)),
  };
}

export async function putOutput({ session, table }: Build, desk: Desk): Promise<DataRef> {
  const path = join(session.folder, 'output.parquet');
  await session.copy(OUTPUT, path);
  return { content: contentDigest(table), object: await desk.putFile('holdout/output.parquet', path) };
}

async function putPart(
  { build, rows, name }: { build: Build; rows: Int32Array; name: string },
  desk: Desk,
): Promise<{ part: Part; table: Table }> {
  const path = join(build.session.folder, `${name.replaceAll('/', '-')}.parquet`);
  const { table, content, keys, from, until } = await writePart(build, rows, path);
  const object = await desk.putFile(`${name}.parquet`, path);
  const part = {
    content,
    object,
    keys: await desk.put(`${name}.keys`, keys),
    rows: rows.length,
    from,
    until,
  };
  return { part, table };
}

type Putting = {
  own: Build;
  rival: Build | null;
  assignment: Assignment;
  plan: JobPlan | null;
  deps: StageDeps;
  desk: Desk;
};

export async function putParts(putting: Putting): Promise<{ parts: DataResult['parts']; full: Table }> {
  const { own, rival, assignment, plan, deps, desk } = putting;
  const put = (build: Build, rows: Int32Array, name: string) => putPart({ build, rows, name }, desk);
  const chosen = assignment.parts;
  const train = await put(own, chosen.train, 'train/train');
  const validation = await put(own, chosen.validation, 'train/validation');
  const full = await put(own, chosen.full, 'train/full');
  const recent = await put(own, chosen.recent, 'holdout/recent');
  const recentKeys = new Set(Array.from(chosen.recent, (row) => own.keys[row] ?? ''));
  const anchorKeys = plan?.anchor ? parseKeySet(await deps.store.get(plan.anchor.keys)) : null;
  const holdout = async (build: Build | null, keys: ReadonlySet<string> | null, name: string) =>
    build && keys ? (await put(build, rowsWithKeys(build, keys), name)).part : null;
  return {
    parts: {
      train: train.part,
      validation: validation.part,
      full: full.part,
      recent: recent.part,
      recent_champion: await holdout(rival, recentKeys, 'holdout/recent_champion'),
      anchor: await holdout(own, anchorKeys, 'holdout/anchor'),
      anchor_champion: await holdout(rival, anchorKeys, 'holdout/anchor_champion'),
    },
    full: full.table,
  };
}
