import type { Data } from '../lifecycle/data.ts';
import { UserError } from '../lifecycle/user-error.ts';
import type { Store } from '../store/store.ts';
import { keyDigests } from './content.ts';
import { openSession, type Session } from './duckdb.ts';
import { OUTPUT, runPipeline, type Step, type StepFacts } from './pipeline.ts';
import { loadSources, type SourceFacts } from './sources.ts';
import type { Table } from './table.ts';
import type { SqlColumn } from './table-io.ts';

export type Building = {
  data: Data;
  /** Path of data.yml, for errors. */
  file: string;
  steps: readonly Step[];
  store: Pick<Store, 'getFile'>;
  /** A folder that only this build uses. */
  folder: string;
  numericLabel: boolean;
  /** Told what is done, as it gets done. */
  note: (text: string) => void;
};

/** The output of one pipeline over its sources: in memory, and in an open session to write parts from. */
export type Build = {
  session: Session;
  data: Data;
  /** All columns of the output, rows ordered by key. */
  table: Table;
  columns: SqlColumn[];
  /** Digest of each row's key. */
  keys: string[];
  sources: SourceFacts[];
  steps: StepFacts[];
};

/** Sources -> pipeline -> rows ordered by key. The caller closes the session. */
export async function buildData({ folder, steps, ...rest }: Building): Promise<Build> {
  const { data, file } = rest;
  if (data.sources.length === 0) {
    throw new UserError(`${file}: it names no sources, so it is a draft and no stage can run`, {
      fix: 'put a file into the store (`roundhouse init --data FILE`) and name it under `sources:`',
    });
  }
  // Two threads add the same floats in another order on every run, and the digest of a sum would change.
  const session = await openSession({ folder, threads: 1 });
  try {
    const { sources, misfits } = await loadSources({ ...rest, session, folder });
    for (const { name, rows } of sources) rest.note(`source ${name}: ${rows} rows`);
    const { numericLabel, note } = rest;
    const run = await runPipeline({ session, file, data, steps, misfits, numericLabel, note });
    const table = await session.read(OUTPUT);
    return {
      session,
      data,
      table,
      columns: run.columns,
      keys: keyDigests(table, data.key),
      sources,
      steps: run.steps,
    };
  } catch (error) {
    session.close();
    throw error;
  }
}
