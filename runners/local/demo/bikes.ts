import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { randomOf } from '#lib/ml/stats/random.ts';
import { openStore } from '#lib/store/open.ts';
import { modelFiles, problemIssue } from './repository.ts';
import { bikesCsv, liveRows, type Variant } from './rows.ts';
import type { Case } from './stage.ts';

const MODEL = 'bikes';
const QUARTERS = ['2012-01-01', '2012-04-01', '2012-07-01', '2012-10-01', '2013-01-01'].map((day) =>
  Date.parse(`${day}T00:00:00Z`),
);
const SHUFFLE_SEED = 7;

export type BikesOptions = {
  variant: Variant;
  /** How many quarters pass; 4 = all of 2012. */
  quarters: number;
  /** Changes the data scientist's files, for tests that want a quick training. */
  edit?(files: Record<string, string>): Record<string, string>;
};

/** Two years of hourly rentals: 2011 trains, the quarters of 2012 follow. */
export function bikes({ variant, quarters, edit = (files) => files }: BikesOptions): Case {
  return {
    model: MODEL,
    opening: new Date('2012-01-01T00:00:00Z'),
    issue: problemIssue(),
    first: {
      title: `${MODEL}: first model`,
      body: 'Data sources, pipeline, contract and two candidates. Season and month are left out on purpose: see data.yml.',
      brings: 'data, pipeline, linear and MLP candidates',
      async push({ people, local }, branch) {
        const history = await openStore(pathToFileURL(join(local.dir, 'store')).href).put(bikesCsv());
        const files = edit(modelFiles(MODEL, { history }));
        await people.dataScientist.pushBranch(branch, `${MODEL}: data, pipeline and first candidates`, files);
      },
    },
    rows: liveRows(variant, randomOf(SHUFFLE_SEED)),
    stretches: Array.from({ length: quarters }, (_, index) => ({
      name: `Q${index + 1} 2012`,
      from: QUARTERS[index] ?? 0,
      until: QUARTERS[index + 1] ?? 0,
      last: index === quarters - 1,
    })),
    labelLagMs: 86_400_000,
    pace: { quiet: 4, canary: 30 },
    asks: false,
  };
}
