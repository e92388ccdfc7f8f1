import { type ChildProcess, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Release } from '#lib/lifecycle/rollout.ts';
import { entryArguments } from '../../../runners/entry.ts';
import {
  controlOf,
  exitOf,
  infer,
  makePlace,
  modelChildrenOf,
  type Place,
  readLines,
  served,
  spawnSupervisor,
  until,
} from './harness.ts';
import { bodyOf, putTinyBundle } from './tiny-model.ts';

let place: Place;
let former: Release;
let newer: Release;
let running: ChildProcess[] = [];

async function spawnOne() {
  const spawned = await spawnSupervisor(place);
  running.push(spawned.child);
  return spawned;
}

beforeEach(async () => {
  place = makePlace();
  former = await putTinyBundle(place.store, { version: '1.0.0', slope: 2 });
  newer = await putTinyBundle(place.store, { version: '1.1.0', slope: 3 });
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(running.map(exitOf));
  running = [];
  place.remove();
});

/** Sends single rows from several clients until told to stop; gives the ids that were answered. */
function startTraffic(url: string, clients = 6) {
  const answered: string[] = [];
  const statuses = new Map<number | 'refused', number>();
  let isOn = true;
  const event = { event_time: '2012-01-01T00:00:00Z' };
  const done = Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let i = 0; isOn; i += 1) {
        const id = `c${client}-${i}`;
        try {
          const { status } = await infer(url, bodyOf([{ x: i, city: 'a' }], { id, parameters: event }));
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (status === 200) answered.push(`${id}:0`);
        } catch {
          statuses.set('refused', (statuses.get('refused') ?? 0) + 1);
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    }),
  );
  return {
    answered,
    statuses,
    stop: async () => {
      isOn = false;
      await done;
    },
  };
}

function loggedIds(): string[] {
  const path = join(place.logs, 'bikes', 'production', 'predictions', '2012-01-01.jsonl');
  return readLines(path).map((line) => JSON.parse(line).id);
}

describe('the supervisor as a process', () => {
  it('SIGTERM answers what was accepted, logs every answer, and leaves no child', async () => {
    const { child, url } = await spawnOne();
    const { body } = await controlOf(url).put([served(former, 50), served(newer, 50)]);
    const traffic = startTraffic(body.url);
    await until(() => traffic.answered.length > 200);
    const children = modelChildrenOf(child.pid ?? 0);
    expect(children).toHaveLength(2);
    // Twice: a terminal signals the group, and a parent passes it on.
    child.kill('SIGTERM');
    child.kill('SIGTERM');
    expect(await exitOf(child)).toBe(0);
    await traffic.stop();
    const logged = new Set(loggedIds());
    expect(traffic.answered.filter((id) => !logged.has(id))).toEqual([]);
    expect(
      [...traffic.statuses.keys()].every(
        (status) => status === 200 || status === 503 || status === 'refused',
      ),
    ).toBe(true);
    for (const pid of children) expect(() => process.kill(pid, 0)).toThrow();
  });

  it('kill -9: comes back on the same ports with the same weights, no answered prediction is lost, only the last line may be torn', async () => {
    const first = await spawnOne();
    const control = controlOf(first.url);
    const { body } = await control.put([served(former, 75), served(newer, 25)]);
    const traffic = startTraffic(body.url);
    await until(() => traffic.answered.length > 100);
    const orphans = modelChildrenOf(first.child.pid ?? 0);
    first.child.kill('SIGKILL');
    await exitOf(first.child);
    const second = await spawnOne();
    expect(second.url).toBe(first.url);
    const state = await controlOf(second.url).state();
    expect(state.url).toBe(body.url);
    expect(state.versions.map(({ version, weight, ready }) => ({ version, weight, ready }))).toEqual([
      { version: '1.0.0', weight: 75, ready: true },
      { version: '1.1.0', weight: 25, ready: true },
    ]);
    const before = traffic.answered.length;
    await until(() => traffic.answered.length > before + 50);
    await traffic.stop();
    const logged = new Set(loggedIds());
    expect(traffic.answered.filter((id) => !logged.has(id))).toEqual([]);
    await until(() => orphans.every((pid) => !isAlive(pid)));
  });

  it('kill -9 at any moment of a change leaves the former or the new weights, never a mixture', async () => {
    const outcomes = new Set<string>();
    let { child, url } = await spawnOne();
    for (const delay of [0, 100, 300]) {
      await controlOf(url).put([served(former, 100)]);
      const change = controlOf(url)
        .put([served(former, 40), served(newer, 60)])
        .catch(() => null);
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await change;
      await exitOf(child);
      ({ child, url } = await spawnOne());
      const state = await controlOf(url).state();
      outcomes.add(state.versions.map(({ version, weight }) => `${version}=${weight}`).join());
      expect(state.versions.every(({ ready }) => ready)).toBe(true);
    }
    for (const outcome of outcomes) expect(['1.0.0=100', '1.0.0=40,1.1.0=60']).toContain(outcome);
  });

  it('a mistake of the operator ends it with 2 and what to do', async () => {
    const [first, ...rest] = entryArguments('supervisor');
    const run = (env: Record<string, string>) =>
      spawnSync(process.execPath, [first ?? '', ...rest, '--dir', place.dir, '--port', '0'], {
        env: { PATH: '', ...env },
        encoding: 'utf8',
      });
    const env = { ROUNDHOUSE_SUPERVISOR_TOKEN: 'x', ROUNDHOUSE_STORE_MAIN: place.storeUrl };
    expect(run({})).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('ROUNDHOUSE_SUPERVISOR_TOKEN is not set'),
    });
    expect(run({ ...env, ROUNDHOUSE_LOGS_MAIN: 'logs' })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('absolute path'),
    });
    await spawnOne();
    expect(run(env)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/port \d+ on 127.0.0.1 is taken/),
    });
    for (const child of running) child.kill('SIGTERM');
    await Promise.all(running.map(exitOf));
    writeFileSync(join(place.dir, 'supervisor.json'), '{"kind": "something"}');
    expect(run(env)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('is not the state of a supervisor'),
    });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
