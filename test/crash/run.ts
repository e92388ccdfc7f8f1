import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomOf } from '#lib/ml/stats/random.ts';
import { ensureBuilt } from '../../runners/local/build.ts';
import { FLOWS } from './flows.ts';
import { createRecorder, type Verdict } from './matrix.ts';
import { kindsOf, nameOf, type Point, pointsOf, sampleOf, type Target } from './points.ts';

const { values } = parseArgs({
  options: {
    flow: { type: 'string', multiple: true },
    point: { type: 'string' },
    seed: { type: 'string', default: '1' },
    sample: { type: 'string' },
    parallel: { type: 'string', default: '2' },
    reads: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    chain: { type: 'boolean', default: false },
  },
});

const say = (line: string) => process.stdout.write(`${line}\n`);
await ensureBuilt();
const folder = mkdtempSync(join(tmpdir(), 'roundhouse-crash-'));
const recorder = createRecorder(folder);
let failed = 0;
try {
  const flows = FLOWS.filter(({ name }) => !values.flow || values.flow.includes(name));
  const all: Point[] = [];
  for (const { name } of flows) {
    const { reached } = await recorder.record(name);
    const points = pointsOf(name, reached, values);
    say(`${name}: ${points.length} points`);
    all.push(...points);
  }
  const wanted = values.chain ? chains(all) : chosen(all).map(jobOf);
  say(
    `${all.length} points; now ${wanted.length} ${values.chain ? 'chains of one kill per kind' : 'of them'}`,
  );
  if (values.list) for (const { name } of wanted) say(name);
  else failed = await run(wanted);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);

function chosen(points: Point[]): Point[] {
  const named = points.filter((point) => !values.point || nameOf(point).includes(values.point));
  const random = randomOf(Number(values.seed));
  return values.sample ? sampleOf(named, Number(values.sample), () => random.uniform()) : named;
}

type Job = { flow: string; name: string; targets: Target[] };

function jobOf(point: Point): Job {
  const { flow, key, n, when } = point;
  return { flow, name: nameOf(point), targets: [{ key, n, when }] };
}

/** One play per flow, in which the app is killed once at each kind of point. */
function chains(points: Point[]): Job[] {
  return [...new Set(points.map(({ flow }) => flow))].map((flow) => {
    const targets = kindsOf(points.filter((point) => point.flow === flow));
    return { flow, name: `${flow}: ${targets.length} kinds`, targets };
  });
}

async function run(jobs: Job[]): Promise<number> {
  const began = Date.now();
  const table = new Map<string, Record<Verdict['kind'] | 'kills', number>>();
  let done = 0;
  const left = [...jobs];
  async function lane(): Promise<void> {
    for (let job = left.shift(); job; job = left.shift()) {
      const verdict = await recorder.crash(job.flow, job.targets);
      done += 1;
      const row = table.get(job.flow) ?? { same: 0, 'not-reached': 0, different: 0, fault: 0, kills: 0 };
      row[verdict.kind] += 1;
      if (verdict.kind === 'same') row.kills += verdict.killed.length;
      table.set(job.flow, row);
      const rest = Math.round((((Date.now() - began) / done) * (jobs.length - done)) / 60_000);
      say(`${done}/${jobs.length} (${rest} min left) ${verdict.kind} ${verdict.ms} ms  ${job.name}`);
      for (const line of details(verdict, job)) say(`    ${line.slice(0, 600)}`);
    }
  }
  await Promise.all(Array.from({ length: Number(values.parallel) }, lane));
  const columns = ['same', 'different', 'fault', 'not-reached', 'kills'] as const;
  say(`\n${'flow'.padEnd(22)}${columns.map((name) => name.padStart(13)).join('')}`);
  for (const [flow, row] of table) {
    say(`${flow.padEnd(22)}${columns.map((name) => String(row[name]).padStart(13)).join('')}`);
  }
  return [...table.values()].reduce((sum, row) => sum + row.different + row.fault + row['not-reached'], 0);
}

function details(verdict: Verdict, { targets }: Job): string[] {
  if (verdict.kind === 'fault') return verdict.note.split('\n');
  if (verdict.kind === 'different') return verdict.differences;
  if (verdict.kind !== 'same' || targets.length === 1) return [];
  const killed = new Set(verdict.killed.map((target) => JSON.stringify(target)));
  const spared = targets.filter((target) => !killed.has(JSON.stringify(target)));
  return [`${killed.size} kills`, ...spared.map(({ key, when }) => `not come to: ${when} ${key}`)];
}
