import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../formats/digest.ts';
import type { Data, Source } from '../lifecycle/data.ts';
import type { Digest } from '../lifecycle/scalars.ts';
import { UserError } from '../lifecycle/user-error.ts';
import { MissingObject } from '../store/errors.ts';
import type { Store } from '../store/store.ts';
import { type Csv, csvFault, csvReader } from './csv.ts';
import type { Session } from './duckdb.ts';
import { sqlFault } from './sql-fault.ts';
import { quoteName, quoteText } from './table-io.ts';

/** `content` equals `object`: a source is pinned by its bytes. A snapshot `none` is the empty object. */
export type SourceFacts = { name: string; kind: string; content: Digest; object: Digest; rows: number };

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
};

type FileSource = Extract<Source, { kind: 'csv' | 'parquet' }>;

const LOGGED = ['prediction_id', 'event_time', 'version', 'prediction', 'label', 'probabilities'];
const NOTHING = digestOf('');

/**
 * Makes one table per source. Snapshots of predictions come last, because their classes and categories take
 * the types that the other sources give them, so that `UNION ALL BY NAME` keeps those types.
 */
export async function loadSources(loading: Loading): Promise<SourceFacts[]> {
  const { sources } = loading.data;
  const files = sources.filter((source): source is FileSource => source.kind !== 'predictions');
  const logs = sources.filter((source) => source.kind === 'predictions');
  const loaded = new Map<string, SourceFacts>();
  for (const source of files) loaded.set(source.name, await loadFile(loading, source));
  const types = await typesOf(loading.session, files);
  for (const source of logs) loaded.set(source.name, await loadPredictions({ ...loading, source, types }));
  return sources.flatMap(({ name }) => loaded.get(name) ?? []);
}

async function loadFile(loading: Loading, source: FileSource): Promise<SourceFacts> {
  const { kind, name, object } = source;
  const path = join(loading.folder, `${name}.${kind}`);
  const csv = kind === 'csv' ? { path, delimiter: source.delimiter } : null;
  const reader = csv ? csvReader(csv) : `read_parquet(${quoteText(path)})`;
  await createFrom({ ...loading, name, object, path, csv, select: async () => `SELECT * FROM ${reader}` });
  return { name, kind, content: object, object, rows: await loading.session.count(quoteName(name)) };
}

type Creating = Loading & {
  name: string;
  object: Digest;
  path: string;
  csv: Csv | null;
  select: () => Promise<string>;
};

async function createFrom(creating: Creating): Promise<void> {
  const { session, file, name, object, path, csv, select } = creating;
  await fetchObject(creating);
  try {
    await session.run(`CREATE TABLE ${quoteName(name)} AS ${await select()}`);
  } catch (cause) {
    const place = csv && (await csvFault(session, csv));
    const said = place ?? sqlFault(cause).message;
    throw new UserError(`${file}: source "${name}" (${object}) can't be read: ${said}`, {
      fix: 'check kind and delimiter of the source, or put a repaired file into the store and name its digest',
      cause,
    });
  } finally {
    await rm(path, { force: true });
  }
}

async function fetchObject({ store, file, name, object, path }: Creating): Promise<void> {
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
  const select = async () => {
    const reader = `read_parquet(${quoteText(path)})`;
    const held = new Set((await session.columns(reader)).map((column) => column.name));
    // An input that was not logged yet, and a value that is none of its type, are missing: no fault of the run.
    const casts = columns.map(([column, type]) => {
      const value = held.has(column) ? quoteName(column) : 'NULL';
      return `TRY_CAST(${value} AS ${type}) AS ${quoteName(column)}`;
    });
    return `SELECT ${casts.join(', ')} FROM ${reader}`;
  };
  await createFrom({ ...loading, name, object: snapshot, path, csv: null, select });
  return { name, kind, content: snapshot, object: snapshot, rows: await session.count(quoteName(name)) };
}

/** Columns of a snapshot with their SQL types: the same for an empty one. */
function predictionColumns({ file, data, numericLabel, types }: LoadingPredictions): [string, string][] {
  const clash = LOGGED.find((name) => Object.hasOwn(data.inputs, name));
  if (clash !== undefined) {
    throw new UserError(`${file}: input "${clash}" has the name of a column that every prediction log has`, {
      fix: `rename the input in the last step; these names are taken: ${LOGGED.join(', ')}`,
    });
  }
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
