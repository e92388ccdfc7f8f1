import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../formats/digest.ts';
import type { Data } from '../lifecycle/data.ts';
import { dialectOf, type Source } from '../lifecycle/data-source.ts';
import type { Digest } from '../lifecycle/scalars.ts';
import { UserError } from '../lifecycle/user-error.ts';
import { MissingObject } from '../store/errors.ts';
import type { Store } from '../store/store.ts';
import type { Session } from './duckdb.ts';
import { sqlFault } from './sql-fault.ts';
import { loadTable, type PlacedMisfit, plainPath, type TableFormat } from './table-file.ts';
import { quoteName, quoteText } from './table-io.ts';

/** `content` equals `object`: a source is pinned by its bytes. A snapshot `none` is the empty object. */
export type SourceFacts = { name: string; kind: string; content: Digest; object: Digest; rows: number };
/** `line 5 of source history`: where a value stands that is no number or time, as most of its column are. */
export type SourceMisfit = Pick<PlacedMisfit, 'column' | 'as'> & { where: string };

export type Loading = {
  session: Session;
  /** The session's folder: bytes lie there only while they are read. */
  folder: string;
  store: Pick<Store, 'getFile'>;
  /** Path of data.yml, for errors. */
  file: string;
  data: Data;
  /** True where the label is a number to predict, false where it is a class. */
  numericLabel: boolean;
  /** Told what is done, as it gets done. */
  note: (text: string) => void;
};

type FileSource = Extract<Source, { kind: 'csv' | 'parquet' }>;

const NOTHING = digestOf('');

/**
 * Makes one table per source. Snapshots of predictions come last, because their classes and categories take
 * the types that the other sources give them, so that `UNION ALL BY NAME` keeps those types.
 */
export async function loadSources(
  loading: Loading,
): Promise<{ sources: SourceFacts[]; misfits: SourceMisfit[] }> {
  const { sources } = loading.data;
  const files = sources.filter((source): source is FileSource => source.kind !== 'predictions');
  const logs = sources.filter((source) => source.kind === 'predictions');
  const loaded = new Map<string, SourceFacts>();
  const misfits: SourceMisfit[] = [];
  for (const source of files) {
    const { facts, placed } = await loadFile(loading, source);
    loaded.set(source.name, facts);
    for (const { column, as, line, row } of placed) {
      const where = `${line === null ? `row ${row + 1}` : `line ${line}`} of source ${source.name}`;
      misfits.push({ column, as, where });
    }
  }
  const types = await typesOf(loading.session, files);
  for (const source of logs) loaded.set(source.name, await loadPredictions({ ...loading, source, types }));
  return { sources: sources.flatMap(({ name }) => loaded.get(name) ?? []), misfits };
}

async function loadFile(
  loading: Loading,
  source: FileSource,
): Promise<{ facts: SourceFacts; placed: PlacedMisfit[] }> {
  const { kind, name, object } = source;
  const path = join(loading.folder, `${name}.${kind}`);
  const format: TableFormat = kind === 'csv' ? { kind, dialect: dialectOf(source) } : { kind };
  const { rows, notes, misfits } = await withObject({ ...loading, name, object, path }, (label) =>
    loadTable({ ...loading, path, format, label, table: name }),
  );
  for (const note of notes) loading.note(`source ${name}: ${note}`);
  return { facts: { name, kind, content: object, object, rows }, placed: misfits };
}

type Fetching = Loading & { name: string; object: Digest; path: string };

/** Has the object's bytes at `path` while `use` runs; `label` is what its faults begin with. */
async function withObject<Result>(
  fetching: Fetching,
  use: (label: string) => Promise<Result>,
): Promise<Result> {
  const { file, name, object, path } = fetching;
  try {
    await fetchObject(fetching);
    return await use(`${file}: source "${name}" (${object})`);
  } finally {
    await rm(path, { force: true });
    await rm(plainPath(path), { force: true });
  }
}

async function fetchObject({ store, file, name, object, path }: Fetching): Promise<void> {
  try {
    await store.getFile(object, path);
  } catch (cause) {
    if (!(cause instanceof MissingObject)) throw cause;
    throw new UserError(`${file}: source "${name}": ${cause.message}`, {
      fix: 'put the file into the store (`roundhouse init --data FILE`) and name its digest',
      cause,
    });
  }
}

/** SQL types by column name, the first source that has the column first. */
async function typesOf(session: Session, sources: readonly Source[]): Promise<Map<string, string>> {
  const types = new Map<string, string>();
  for (const source of sources) {
    for (const { name, type } of await session.columns(quoteName(source.name)))
      if (!types.has(name)) types.set(name, type);
  }
  return types;
}

type PredictionSource = Extract<Source, { kind: 'predictions' }>;
type LoadingPredictions = Loading & { source: PredictionSource; types: Map<string, string> };

async function loadPredictions(loading: LoadingPredictions): Promise<SourceFacts> {
  const { session, source, folder } = loading;
  const columns = predictionColumns(loading);
  const { name, kind, snapshot } = source;
  if (snapshot === 'none') {
    const nulls = columns.map(([column, type]) => `CAST(NULL AS ${type}) AS ${quoteName(column)}`);
    await session.run(`CREATE TABLE ${quoteName(name)} AS SELECT ${nulls.join(', ')} WHERE false`);
    return { name, kind, content: NOTHING, object: NOTHING, rows: 0 };
  }
  const path = join(folder, `${name}.parquet`);
  const rows = await withObject({ ...loading, name, object: snapshot, path }, (label) =>
    createPredictions({ session, name, path, columns }).catch((cause) => {
      throw new UserError(`${label} can't be read: ${sqlFault(cause).message}`, {
        fix: 'take the snapshot again with `roundhouse monitor`',
        cause,
      });
    }),
  );
  return { name, kind, content: snapshot, object: snapshot, rows };
}

type CreatingPredictions = { session: Session; name: string; path: string; columns: [string, string][] };

async function createPredictions({ session, name, path, columns }: CreatingPredictions): Promise<number> {
  const reader = `read_parquet(${quoteText(path)})`;
  const held = new Set((await session.columns(reader)).map((column) => column.name));
  // An input that was not logged yet, and a value that is none of its type, are missing: no fault of the run.
  const casts = columns.map(([column, type]) => {
    const value = held.has(column) ? quoteName(column) : 'NULL';
    return `TRY_CAST(${value} AS ${type}) AS ${quoteName(column)}`;
  });
  await session.run(`CREATE TABLE ${quoteName(name)} AS SELECT ${casts.join(', ')} FROM ${reader}`);
  return session.count(quoteName(name));
}

/** Columns of a snapshot with their SQL types: the same for an empty one. */
function predictionColumns({ data, numericLabel, types }: LoadingPredictions): [string, string][] {
  const label = numericLabel ? 'DOUBLE' : (types.get(data.target) ?? 'VARCHAR');
  const inputs = Object.entries(data.inputs).map(([name, { type }]): [string, string] => [
    name,
    type === 'number' ? 'DOUBLE' : (types.get(name) ?? 'VARCHAR'),
  ]);
  return [
    ['prediction_id', 'VARCHAR'],
    ['event_time', 'TIMESTAMP'],
    ['version', 'VARCHAR'],
    ['prediction', 'DOUBLE'],
    ['label', label],
    ...inputs,
  ];
}
