import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createRecorder } from './matrix.ts';
import { kindsOf, pointsOf } from './points.ts';

/** What every run of the tests can afford of the matrix (docs/crash-matrix.md): one flow, one kill per kind. */
describe('the app killed with -9 at each kind of point of a flow', () => {
  const folder = mkdtempSync(join(tmpdir(), 'roundhouse-crash-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('leaves the world as it would have been', { timeout: 900_000 }, async () => {
    const recorder = createRecorder(folder);
    const { reached } = await recorder.record('problem');
    const targets = kindsOf(pointsOf('problem', reached));
    const calls = targets.filter(({ key }) => key.startsWith('call '));
    expect(calls.length, 'kinds of calls').toBeGreaterThan(10);
    const verdict = await recorder.crash('problem', targets);
    if (verdict.kind !== 'same') throw new Error(JSON.stringify(verdict, null, 2));
    // A delivery that comes while the app is down is not sent again: which of them it receives is not given.
    expect(verdict.killed.length, 'kills').toBeGreaterThan(7);
  });
});
