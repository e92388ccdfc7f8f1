import { mkdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DuckDBInstance, StatementType } from '@duckdb/node-api';
import { fullDisk } from '../store/durable-file.ts';
import type { Table } from './table.ts';
import {
  countRows,
  describe,
  quoteName,
  quoteText,
  readRelation,
  type SqlColumn,
  writeRelation,
} from './table-io.ts';
import { unstableParts } from './unstable-sql.ts';

export type SessionOptions = {
  /** The only folder that SQL can reach. */
  folder: string;
  threads?: number;
  memoryMiB?: number;
  /** A statement that runs longer is interrupted and rejects. */
  deadlineMs?: number;
};

/** What a text holds: how many statements, whether it is one SELECT without parameters, what in it is unstable. */
type Inspection = { statements: number; select: boolean; unstable: string[] };

/**
 * A DuckDB in memory that runs other people's SQL: no file outside its folder, no network, no extension, no
 * setting can be reached. Statements run one after the other, because a second one would end an open stream.
 */
export type Session = {
  folder: string;
  run(sql: string): Promise<void>;
  inspect(sql: string): Promise<Inspection>;
  count(relation: string): Promise<number>;
  columns(relation: string): Promise<SqlColumn[]>;
  /** Rows of a relation (quoted table name or parenthesised SELECT) in its order. */
  read(relation: string, columns?: readonly string[]): Promise<Table>;
  write(name: string, table: Table): Promise<void>;
  /** Writes a relation as Parquet into the session's folder. */
  copy(relation: string, path: string): Promise<void>;
  close(): void;
};

const DEADLINE_MS = 15 * 60_000;

export async function openSession(options: SessionOptions): Promise<Session> {
  const { threads = 2, memoryMiB = 2048, deadlineMs = DEADLINE_MS } = options;
  const folder = resolve(options.folder);
  mkdirSync(folder, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(threads),
    memory_limit: `${memoryMiB}MiB`,
    temp_directory: join(folder, '.spill'),
    allow_community_extensions: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run(`SET allowed_directories = [${quoteText(`${folder}/`)}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');

  let last: Promise<unknown> = Promise.resolve();
  function inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = last.then(() => withDeadline(task));
    last = result.catch(() => undefined);
    return result;
  }
  async function withDeadline<Result>(task: () => Promise<Result>): Promise<Result> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      connection.interrupt();
    }, deadlineMs);
    try {
      return await task();
    } catch (cause) {
      if (!late) throw fullDisk(cause, folder) ?? cause;
      throw new Error(`it ran longer than ${deadlineMs / 1000} s and was stopped`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    folder,
    run: (sql) => inTurn(async () => void (await connection.run(sql))),
    inspect: (sql) =>
      inTurn(async () => {
        const extracted = await connection.extractStatements(sql);
        if (extracted.count !== 1) return { statements: extracted.count, select: false, unstable: [] };
        const statement = await extracted.prepare(0);
        const select = statement.statementType === StatementType.SELECT && statement.parameterCount === 0;
        statement.destroySync();
        if (!select) return { statements: 1, select, unstable: [] };
        const tree = await connection.runAndReadAll('SELECT json_serialize_sql(CAST($1 AS VARCHAR))', [sql]);
        return { statements: 1, select, unstable: unstableParts(String(tree.getRows()[0]?.[0])) };
      }),
    count: (relation) => inTurn(() => countRows(connection, relation)),
    columns: (relation) => inTurn(() => describe(connection, relation)),
    read: (relation, columns) => inTurn(() => readRelation(connection, relation, columns)),
    write: (name, table) => inTurn(() => writeRelation(connection, name, table)),
    copy: (relation, path) =>
      inTurn(async () => {
        await connection.run(
          `COPY (SELECT * FROM ${relation}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`,
        );
      }),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Rows of a Parquet file in its order; all columns or the named ones. */
export async function readParquet(path: string, columns?: readonly string[]): Promise<Table> {
  const file = resolve(path);
  const session = await openSession({ folder: dirname(file) });
  try {
    return await session.read(`read_parquet(${quoteText(file)})`, columns);
  } finally {
    session.close();
  }
}

/** Writes a table as Parquet: whole or not at all. */
export async function writeParquet(path: string, table: Table): Promise<void> {
  const file = resolve(path);
  const draft = join(dirname(file), `.draft-${process.pid}-${basename(file)}`);
  const session = await openSession({ folder: dirname(file) });
  try {
    await session.write('rows', table);
    await session.copy(quoteName('rows'), draft);
    await rename(draft, file);
  } finally {
    session.close();
    await rm(draft, { force: true });
  }
}
