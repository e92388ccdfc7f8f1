import { type Change, type Journal, openJournal, readJournal } from './journal.ts';
import type { Tables } from './model.ts';

type TableName = keyof Tables;

/** All rows in memory, every change journaled. Rows may be changed in place and then `put` again. */
export type State = {
  get<T extends TableName>(table: T, key: string | number): Tables[T] | undefined;
  /** In the order of creation. */
  all<T extends TableName>(table: T): Tables[T][];
  find<T extends TableName>(table: T, matches: (row: Tables[T]) => boolean): Tables[T] | undefined;
  filter<T extends TableName>(table: T, matches: (row: Tables[T]) => boolean): Tables[T][];
  put<T extends TableName>(table: T, key: string | number, row: Tables[T]): Tables[T];
  remove(table: TableName, key: string | number): void;
  /** Ids are unique over all tables, which GitHub does not promise and nothing may rely on. */
  nextId(): number;
  committed(): Promise<void>;
  close(): Promise<void>;
};

const FIRST_ID = 1_000_000;

export async function openState(
  path: string,
  keep: (table: string, row: unknown) => boolean = () => true,
): Promise<State> {
  const tables = new Map<string, Map<string, unknown>>();
  for (const [table, key, value] of await readJournal(path)) {
    if (value === null) table_(tables, table).delete(key);
    else table_(tables, table).set(key, value);
  }
  for (const [name, rows] of tables) {
    for (const [key, row] of rows) if (!keep(name, row)) rows.delete(key);
  }
  return state(tables, await openJournal(path, changes(tables)));
}

function table_(tables: Map<string, Map<string, unknown>>, name: string): Map<string, unknown> {
  const found = tables.get(name);
  if (found) return found;
  const made = new Map<string, unknown>();
  tables.set(name, made);
  return made;
}

function* changes(tables: Map<string, Map<string, unknown>>): Generator<Change> {
  for (const [name, rows] of tables) for (const [key, row] of rows) yield [name, key, row];
}

function state(tables: Map<string, Map<string, unknown>>, journal: Journal): State {
  function rows<T extends TableName>(name: T): Map<string, Tables[T]> {
    return table_(tables, name) as Map<string, Tables[T]>;
  }
  function put<T extends TableName>(name: T, key: string | number, row: Tables[T]): Tables[T] {
    rows(name).set(String(key), row);
    journal.write([name, String(key), row]);
    return row;
  }
  return {
    get: (name, key) => rows(name).get(String(key)),
    all: (name) => [...rows(name).values()],
    find(name, matches) {
      for (const row of rows(name).values()) if (matches(row)) return row;
      return undefined;
    },
    filter: (name, matches) => [...rows(name).values()].filter(matches),
    put,
    remove(name, key) {
      if (rows(name).delete(String(key))) journal.write([name, String(key), null]);
    },
    nextId() {
      const last = rows('counters').get('id')?.value;
      const value = typeof last === 'number' ? last + 1 : FIRST_ID;
      put('counters', 'id', { value });
      return value;
    },
    committed: journal.committed,
    close: journal.close,
  };
}
