import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { randomOf } from '#lib/ml/stats/random.ts';
import { TOUR } from './flows.ts';
import { createRecorder } from './matrix.ts';
import { pointsOf, quickOf } from './points.ts';

/** `CRASH_SEED=7 npx vitest run test/crash/quick.test.ts` draws other instants and other files. */
const SEED = Number(process.env.CRASH_SEED ?? 1);
/** Of the kinds of file writes. */
const FILES = 8;

/** What every run of the tests can afford of the matrix (docs/crash-matrix.md): each kind of call, once. */
describe(`the app killed with -9 once at each kind of call of the whole lifecycle, seed ${SEED}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'roundhouse-crash-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('leaves the world as it would have been', { timeout: 1_800_000 }, async () => {
    const random = randomOf(SEED);
    const { targets, verdict } = await createRecorder(folder).rehearse(TOUR, (reached) =>
      quickOf(pointsOf(TOUR.name, reached), FILES, () => random.uniform()),
    );
    if (verdict.kind !== 'same') throw new Error(JSON.stringify(verdict, null, 2));
    const calls = targets.filter(({ key }) => key.startsWith('call '));
    console.log(
      `seed ${SEED}: ${verdict.killed.length} kills at ${targets.length} kinds, ${calls.length} of calls, ${verdict.ms} ms`,
    );
    expect(calls.length, 'kinds of calls').toBeGreaterThan(25);
    // A delivery that comes while the app is down is not sent again: which of them it receives is not given.
    expect(verdict.killed.length, 'kills').toBeGreaterThan(20);
  });
});
