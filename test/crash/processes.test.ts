import { describe, expect, it } from 'vitest';
import { kindsOf, pointsOf, type Target } from './points.ts';
import { createProcessRecorder } from './processes.ts';

/** Where a job runner may do something twice, or forget it: more of its 300 instants would take minutes. */
const TELLING = [
  'after call POST /_local/runner/claim',
  'after file rename jobs/open/:id-:attempt.json',
  'before call PATCH /_local/runs/:id',
  'after child spawn :uuid.sh',
  'after call PUT /_local/runs/:id/artifacts/part-:id-:attempt',
  'before file rm jobs/open/:id-:attempt.json',
];
const isTelling = ({ key, when }: Target) => TELLING.includes(`${when} ${key}`);

/** What every run of the tests can afford of the matrix (docs/crash-matrix.md): one kill per kind. */
describe.concurrent('processes beside the app, killed with -9 at each kind of point', () => {
  it('a job runner leaves the runs as they would have been', { timeout: 900_000 }, async () => {
    const recorder = createProcessRecorder();
    const { reached } = await recorder.record('job-runner');
    const targets = kindsOf(pointsOf('job-runner', reached)).filter(isTelling);
    expect(targets).toHaveLength(TELLING.length);
    expectAll(await recorder.crash('job-runner', targets), targets);
  });

  it('a supervisor serves and has logged what it would have', { timeout: 900_000 }, async () => {
    const recorder = createProcessRecorder();
    const { reached } = await recorder.record('supervisor');
    const targets = kindsOf(pointsOf('supervisor', reached));
    expect(targets.length, 'kinds of points').toBeGreaterThan(10);
    expectAll(await recorder.crash('supervisor', targets), targets);
  });
});

function expectAll(verdict: Awaited<ReturnType<Recorder['crash']>>, targets: Target[]): void {
  if (verdict.kind !== 'same') throw new Error(JSON.stringify(verdict, null, 2));
  expect(verdict.killed).toHaveLength(targets.length);
}

type Recorder = ReturnType<typeof createProcessRecorder>;
