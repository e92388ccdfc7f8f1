import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomOf } from '#lib/ml/stats/random.ts';
import { ensureBuilt } from '../../runners/local/build.ts';
import { FLOWS } from './flows.ts';
import { createRecorder, type Verdict } from './matrix.ts';
import { nameOf, type Point, pointsOf, sampleOf } from './points.ts';

const { values } = parseArgs({
  options: {
    flow: { type: 'string', multiple: true },
    point: { type: 'string' },
    seed: { type: 'string', default: '1' },
    sample: { type: 'string' },
    parallel: { type: 'string', default: '2' },
    reads: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
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
  const wanted = chosen(all);
  say(`${all.length} points, ${wanted.length} of them now`);
  if (values.list) for (const point of wanted) say(nameOf(point));
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

async function run(points: Point[]): Promise<number> {
  const began = Date.now();
  const table = new Map<string, Record<Verdict['kind'], number>>();
  let done = 0;
  const left = [...points];
  async function lane(): Promise<void> {
    for (let point = left.shift(); point; point = left.shift()) {
      const verdict = await recorder.crash(point);
      done += 1;
      const row = table.get(point.flow) ?? { same: 0, 'not-reached': 0, different: 0, fault: 0 };
      row[verdict.kind] += 1;
      table.set(point.flow, row);
      const rest = Math.round((((Date.now() - began) / done) * (points.length - done)) / 60_000);
      say(`${done}/${points.length} (${rest} min left) ${verdict.kind} ${verdict.ms} ms  ${nameOf(point)}`);
      for (const line of details(verdict)) say(`    ${line.slice(0, 600)}`);
    }
  }
  await Promise.all(Array.from({ length: Number(values.parallel) }, lane));
  say('');
  say(
    'flow'.padEnd(22) +
      'same'.padStart(8) +
      'different'.padStart(12) +
      'fault'.padStart(8) +
      'not reached'.padStart(14),
  );
  for (const [flow, row] of table) {
    say(
      flow.padEnd(22) +
        String(row.same).padStart(8) +
        String(row.different).padStart(12) +
        String(row.fault).padStart(8) +
        String(row['not-reached']).padStart(14),
    );
  }
  return [...table.values()].reduce((sum, row) => sum + row.different + row.fault + row['not-reached'], 0);
}

function details(verdict: Verdict): string[] {
  if (verdict.kind === 'fault') return verdict.note.split('\n');
  return verdict.kind === 'different' ? verdict.differences : [];
}
