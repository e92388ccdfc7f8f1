import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomOf } from '#lib/ml/stats/random.ts';
import type { Flow } from './flow.ts';
import { FLOWS } from './flows.ts';
import { createRecorder } from './matrix.ts';
import { kindsOf, nameOf, type Point, pointsOf, sampleOf, type Target } from './points.ts';
import { leftOf } from './process-under-test.ts';
import { createProcessRecorder, PROCESS_FLOWS } from './processes.ts';
import type { Verdict } from './verdict.ts';

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
    apart: { type: 'boolean', default: false },
    turns: { type: 'boolean', default: false },
    plays: { type: 'string', default: '9' },
    /** Keeps recordings, and takes those that lie there: for the same commit only. */
    folder: { type: 'string' },
  },
});
/** Each point in a play of its own, from a copy of the world where its flow begins. */
const isApart = values.apart || values.point !== undefined || values.sample !== undefined;

const say = (line: string) => process.stdout.write(`${line}\n`);
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'roundhouse-crash-'));
const recorders = { app: createRecorder(folder), process: createProcessRecorder() };
const recorderOf = (flow: string) =>
  PROCESS_FLOWS.some(({ name }) => name === flow) ? recorders.process : recorders.app;
let failed = 0;
try {
  const known: Pick<Flow, 'name' | 'isGround'>[] = [...FLOWS, ...PROCESS_FLOWS];
  const unknown = (values.flow ?? []).filter((asked) => !known.some(({ name }) => name === asked));
  if (unknown.length > 0) throw new Error(`no flow is named ${unknown.join(', ')}`);
  const flows = known.filter(({ name, isGround }) => (values.flow ? values.flow.includes(name) : !isGround));
  const all: Point[] = [];
  for (const { name } of flows) {
    const { reached } = await recorderOf(name).record(name);
    const points = pointsOf(name, reached, values);
    say(`${name}: ${points.length} points`);
    all.push(...points);
  }
  if (values.list) for (const point of chosen(all)) say(nameOf(point));
  else failed = await run(isApart ? chosen(all).map(jobOf) : chains(all));
} finally {
  if (!values.folder) rmSync(folder, { recursive: true, force: true });
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

/** One job per flow: the app is killed at every point in turn, or once at each kind of point. */
function chains(points: Point[]): Job[] {
  return [...new Set(points.map(({ flow }) => flow))].map((flow) => {
    const mine = points.filter((point) => point.flow === flow);
    const targets = values.chain
      ? kindsOf(mine)
      : (values.turns ? byTurns(mine) : mine).map(({ key, n, when }) => ({ key, n, when }));
    return { flow, name: `${flow}: ${targets.length} ${values.chain ? 'kinds' : 'points'}`, targets };
  });
}

/** Each point at one of its instants, by turns. */
function byTurns(points: Point[]): Point[] {
  const places = new Map<string, Point[]>();
  for (const point of points) {
    const name = `${point.key} ${point.n}`;
    places.set(name, [...(places.get(name) ?? []), point]);
  }
  return [...places.values()].flatMap((instants, turn) => instants[turn % instants.length] ?? []);
}

type Row = { points: number; kills: number; plays: number; spared: number; wrong: number };

async function run(jobs: Job[]): Promise<number> {
  const began = Date.now();
  const table = new Map<string, Row>();
  let done = 0;
  const left = [...jobs];
  const points = jobs.reduce((sum, { targets }) => sum + targets.length, 0);
  say(`${points} points in ${jobs.length} jobs`);
  async function lane(): Promise<void> {
    for (let job = left.shift(); job; job = left.shift()) {
      const row = table.get(job.flow) ?? { points: 0, kills: 0, plays: 0, spared: 0, wrong: 0 };
      table.set(job.flow, row);
      await play(job, row);
      done += job.targets.length;
      const rest = Math.round((((Date.now() - began) / done) * (points - done)) / 60_000);
      say(`${done}/${points} (${rest} min left)  ${job.name}`);
    }
  }
  await Promise.all(Array.from({ length: Number(values.parallel) }, lane));
  const columns = ['points', 'kills', 'plays', 'spared', 'wrong'] as const;
  say(`\n${'flow'.padEnd(22)}${columns.map((name) => name.padStart(9)).join('')}`);
  for (const [flow, row] of table) {
    say(`${flow.padEnd(22)}${columns.map((name) => String(row[name]).padStart(9)).join('')}`);
  }
  return [...table.values()].reduce((sum, { wrong }) => sum + wrong, 0);
}

/**
 * Plays until every target was come to, or a play came to none of those left: what an earlier kill keeps away
 * (a delivery that nobody received is not sent again) is come to in a play without that kill.
 */
async function play({ flow, name, targets }: Job, row: Row): Promise<void> {
  row.points += targets.length;
  for (let left = targets; left.length > 0; ) {
    const verdict = await recorderOf(flow).crash(flow, left);
    const killed = 'killed' in verdict ? verdict.killed.length : 0;
    row.plays += 1;
    row.kills += killed;
    say(`  ${verdict.kind}, ${killed} kills of ${left.length}, ${verdict.ms} ms  ${name}`);
    const isWrong = verdict.kind === 'different' || verdict.kind === 'fault';
    if (isWrong) row.wrong += 1;
    for (const line of details(verdict)) say(`    ${line.slice(0, 600)}`);
    const next = 'killed' in verdict ? leftOf(left, verdict.killed) : left;
    if (killed === 0 || isWrong || row.plays === Number(values.plays)) {
      row.spared += next.length;
      for (const { key, when } of next) say(`    not come to: ${when} ${key}`);
      return;
    }
    left = next;
  }
}

function details(verdict: Verdict): string[] {
  if (verdict.kind === 'fault') return verdict.note.split('\n');
  return verdict.kind === 'different' ? verdict.differences : [];
}
