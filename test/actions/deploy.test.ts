import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOfJson } from '#lib/formats/digest.ts';
import {
  advance,
  type DeployAction,
  type DeploymentRecord,
  deploymentRecordSchema,
  type Release,
  weightsOf,
} from '#lib/lifecycle/rollout.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type DeployDeps, main } from '../../actions/deploy/main.ts';
import { type Supervisor, startSupervisor } from '../../runners/model-server/supervisor.ts';
import { controlOf, infer, makePlace, type Place, served, token } from '../runners/model-server/harness.ts';
import { bodyOf, putTinyBundle } from '../runners/model-server/tiny-model.ts';

let place: Place;
let supervisor: Supervisor;
let former: Release;
let newer: Release;

beforeEach(async () => {
  place = makePlace();
  former = await release({ version: '1.0.0', slope: 2 });
  newer = await release({ version: '1.1.0', slope: 3 });
  supervisor = await startSupervisor({
    dir: place.dir,
    port: 0,
    token,
    store: place.store,
    logs: null,
    log: () => {},
  });
});
afterEach(async () => {
  await supervisor.close();
  place.remove();
});

async function release(bundle: Parameters<typeof putTinyBundle>[1]): Promise<Release> {
  const { version, candidate, bundle: digest, model } = await putTinyBundle(place.store, bundle);
  return { version, candidate, bundle: digest, model };
}

type Canary = { steps?: object[]; checks?: object };
function record(
  changes: Partial<DeploymentRecord> = {},
  { steps, checks = { max_latency_p95_ms: 30_000 } }: Canary = {},
): DeploymentRecord {
  return deploymentRecordSchema.parse({
    kind: 'roundhouse-deployment',
    n: 2,
    model: 'bikes',
    environment: 'production',
    commit: 'c'.repeat(40),
    release: newer,
    previous: former,
    strategy: {
      kind: 'canary',
      steps: steps ?? [
        { weight: 20, min_requests: 10 },
        { weight: 50, min_requests: 10 },
      ],
      checks,
    },
    target: { kind: 'process', url: supervisor.url },
    phase: 'pending',
    step: 0,
    step_started_at: null,
    github_deployment: null,
    history: [],
    ...changes,
  });
}

function depsWith(changes: Partial<DeployDeps> = {}): DeployDeps {
  const nothing = () => {};
  const exchange = { putFile: missing, put: missing, getFile: missing, get: missing };
  return {
    workspace: place.root,
    store: place.store,
    exchange,
    logs: null,
    now: () => new Date('2012-04-01T00:00:00Z'),
    run: { kind: 'local', id: 'test' },
    scratch: place.root,
    progress: { phase: nothing, update: nothing, note: nothing, warn: nothing },
    supervisorToken: token,
    ...changes,
  };
}

function missing(): never {
  throw new Error('deploy exchanges nothing with other stages');
}

async function run(action: DeployAction, of: DeploymentRecord, deps: Partial<DeployDeps> = {}) {
  const inputs = {
    model: 'bikes',
    environment: 'production',
    action,
    record: of,
    recordDigest: digestOfJson(of),
  };
  const { statement, verdict } = await main(inputs, depsWith(deps));
  const { result } = statement.predicate;
  expect(result.verdict).toBe(verdict);
  return { result, verdict, next: advance(of, result, '2026-01-01T00:00:00Z', null), statement };
}

const weights = (state: { versions: { version: string; weight: number }[] } | null) =>
  Object.fromEntries(state?.versions.map(({ version, weight }) => [version, weight]) ?? []);

async function served100(): Promise<string> {
  return (await controlOf(supervisor.url).put([served(former, 100)])).body.url;
}

async function send(url: string, count: number, x = 1): Promise<number[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, () => infer(url, bodyOf([{ x, city: 'a' }]))),
  );
  return answers.map(({ status }) => status);
}

describe('start', () => {
  it('the first version gets all traffic once it has answered its golden rows, and says why', async () => {
    const { result, verdict, statement } = await run('start', record({ previous: null }));
    expect(verdict).toBe('passed');
    expect(result.phase).toBe('succeeded');
    expect(weights(result.state)).toEqual({ '1.1.0': 100 });
    expect(result.reasons.map(({ rule }) => rule)).toEqual(['bundle', 'golden', 'parity', 'comparison']);
    expect(statement.subject).toEqual([
      { name: 'bundle', digest: { sha256: newer.bundle.slice(7) } },
      { name: 'model.onnx', digest: { sha256: newer.model.slice(7) } },
    ]);
    expect(
      (await infer(result.state?.url ?? '', bodyOf([{ x: 2, city: 'a' }]))).body.outputs[0].data,
    ).toEqual([6]);
  });

  it('a later version gets the first share, and started again it stays there', async () => {
    await served100();
    const first = await run('start', record());
    expect(first.next).toMatchObject({ phase: 'progressing', step: 0 });
    expect(weights(first.result.state)).toEqual({ '1.0.0': 80, '1.1.0': 20 });
    const again = await run('start', record());
    expect(again.result.state?.versions.map(({ since }) => since)).toEqual(
      first.result.state?.versions.map(({ since }) => since),
    );
  });

  it('one flipped byte in the store: refused, nothing asked of the target, the old version serves', async () => {
    const url = await served100();
    const before = await controlOf(supervisor.url).state();
    for (const digest of [newer.model, newer.bundle]) {
      const path = place.objectPath(digest);
      const bytes = readFileSync(path);
      const broken = Buffer.from(bytes);
      broken[10] = (broken[10] ?? 0) ^ 1;
      writeFileSync(path, broken);
      const asked: string[] = [];
      const spy: typeof fetch = (input, init) => {
        asked.push(init?.method ?? 'GET');
        return fetch(input, init);
      };
      const { result, verdict } = await run('start', record(), { fetch: spy });
      expect(verdict).toBe('failed');
      expect(result.phase).toBe('aborted');
      expect(result.reasons.at(-1)?.actual).toMatch(/bytes were changed/);
      expect(asked).not.toContain('PUT');
      writeFileSync(path, bytes);
    }
    expect({ ...(await controlOf(supervisor.url).state()), now: '' }).toEqual({ ...before, now: '' });
    expect(await send(url, 3)).toEqual([200, 200, 200]);
  });

  it('bytes that nobody approved, a missing bundle, a model that answers otherwise: aborted with the reason', async () => {
    await served100();
    const lying = await release({
      version: '1.2.0',
      slope: 4,
      golden: { rows: [{ x: 1, city: 'a' }], predictions: [[5]], rtol: 0, atol: 0 },
    });
    const cases: [Partial<DeploymentRecord>, RegExp][] = [
      [{ release: { ...newer, model: former.model } }, /was approved/],
      [{ release: { ...newer, bundle: digestOfJson('nowhere') } }, /not in the store/],
      [{ release: lying }, /golden row 1: 4 instead of 5/],
    ];
    for (const [changes, message] of cases) {
      const { result, verdict } = await run('start', record(changes));
      expect(verdict).toBe('failed');
      expect(result.phase).toBe('aborted');
      expect(result.reasons.at(-1)?.actual).toMatch(message);
      expect(weights(await controlOf(supervisor.url).state())).toEqual({ '1.0.0': 100 });
    }
  });

  it('other answers through the router than in the bundle: withdrawn before any traffic', async () => {
    await served100();
    const { result, verdict } = await run('start', record(), { fetch: tamperedReplay });
    expect(verdict).toBe('failed');
    expect(result.phase).toBe('aborted');
    expect(result.reasons.at(-1)).toMatchObject({ rule: 'parity', verdict: 'failed' });
    expect(weights(result.state)).toEqual({ '1.0.0': 100 });
  });

  it('started again when it is over, it puts right what the target lost', async () => {
    const { result } = await run('start', record({ phase: 'succeeded', step: 1 }));
    expect(result.phase).toBe('succeeded');
    expect(weights(result.state)).toEqual({ '1.1.0': 100 });
  });
});

describe('step', () => {
  it('waits for its requests, then goes on, step by step, to all traffic', async () => {
    await served100();
    const started = await run('start', record());
    const url = started.result.state?.url ?? '';
    const waiting = await run('step', started.next);
    expect(waiting.verdict).toBe('inconclusive');
    expect(waiting.next).toMatchObject({ phase: 'progressing', step: 0 });
    await send(url, 150);
    const second = await run('step', waiting.next);
    expect(second.result.reasons.map(({ rule, verdict }) => [rule, verdict])).toEqual([
      ['requests', 'passed'],
      ['error_rate', 'passed'],
      ['latency_p95', 'passed'],
      ['parity', 'passed'],
    ]);
    expect(second.next).toMatchObject({ phase: 'progressing', step: 1 });
    expect(weights(second.result.state)).toEqual({ '1.0.0': 50, '1.1.0': 50 });
    await send(url, 60);
    const done = await run('step', second.next);
    expect(done.next.phase).toBe('succeeded');
    expect(weights(done.result.state)).toEqual({ '1.1.0': 100 });
  });

  it('rolls back a version that fails on live rows', async () => {
    await served100();
    const golden = { rows: [{ x: 1, city: 'a' }], predictions: [[Math.fround(1e38)]], rtol: 1e-5, atol: 0 };
    const overflowing = await release({ version: '1.2.0', slope: 1e38, golden });
    const started = await run('start', record({ release: overflowing }));
    const url = started.result.state?.url ?? '';
    const statuses = await send(url, 100, 100);
    expect(new Set(statuses)).toEqual(new Set([200, 500]));
    const { result, verdict } = await run('step', started.next);
    expect(verdict).toBe('failed');
    expect(result.phase).toBe('rolled-back');
    expect(result.reasons.find(({ rule }) => rule === 'error_rate')?.verdict).toBe('failed');
    expect(weights(result.state)).toEqual({ '1.0.0': 100 });
    expect(new Set(await send(url, 20, 100))).toEqual(new Set([200]));
  });

  it('rolls back a version that is surely too slow', async () => {
    await served100();
    const started = await run('start', record({}, { checks: { max_latency_p95_ms: 0.01 } }));
    await send(started.result.state?.url ?? '', 100);
    const { result } = await run('step', started.next);
    expect(result.phase).toBe('rolled-back');
    expect(result.reasons.find(({ rule }) => rule === 'latency_p95')?.verdict).toBe('failed');
  });

  it('too few requests at the longest duration: paused, weights as they are', async () => {
    await served100();
    const started = await run(
      'start',
      record({}, { steps: [{ weight: 20, min_requests: 10, max_duration: 'PT1S' }] }),
    );
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { result, verdict } = await run('step', started.next);
    expect(verdict).toBe('inconclusive');
    expect(result.phase).toBe('paused');
    expect(weights(result.state)).toEqual({ '1.0.0': 80, '1.1.0': 20 });
  });

  it('rolls back when the golden rows answer otherwise through the router', async () => {
    await served100();
    const started = await run('start', record());
    const { result } = await run('step', started.next, { fetch: tamperedReplay });
    expect(result.phase).toBe('rolled-back');
    expect(result.reasons.find(({ verdict }) => verdict === 'failed')?.rule).toBe('parity');
  });

  it('run again after a death between the weights and the evidence, it ends where the dead run was going', async () => {
    await served100();
    const started = await run('start', record());
    await send(started.result.state?.url ?? '', 150);
    await expect(
      run('step', started.next, {
        fetch: diesAfter((versions) => versions.some(({ weight }) => weight === 50)),
      }),
    ).rejects.toThrow();
    const again = await run('step', started.next);
    expect(again.next).toMatchObject({ phase: 'progressing', step: 1 });
    expect(weights(again.result.state)).toEqual({ '1.0.0': 50, '1.1.0': 50 });

    // The same where the dead run was rolling back.
    const dies = diesAfter((versions) => versions.length === 1);
    const tamperedAndDying: typeof fetch = async (input, init) => tamper(input, await dies(input, init));
    await expect(run('step', again.next, { fetch: tamperedAndDying })).rejects.toThrow();
    const back = await run('step', again.next);
    expect(back.result.phase).toBe('rolled-back');
    expect(weights(back.result.state)).toEqual({ '1.0.0': 100 });
  });

  it('puts the recorded weights back where the target has others', async () => {
    await served100();
    const started = await run('start', record());
    await controlOf(supervisor.url).put([served(former, 3), served(newer, 97)]);
    const { result } = await run('step', started.next);
    expect(result.phase).toBe('progressing');
    expect(weights(result.state)).toEqual({ '1.0.0': 80, '1.1.0': 20 });
  });
});

describe('rollback', () => {
  it('gives all traffic to the previous version, however often it is asked', async () => {
    await served100();
    const started = await run('start', record());
    for (let time = 0; time < 2; time += 1) {
      const { result, verdict } = await run('rollback', started.next);
      expect(verdict).toBe('passed');
      expect(result.phase).toBe('rolled-back');
      expect(weights(result.state)).toEqual({ '1.0.0': 100 });
    }
  });

  it('without a previous version changes nothing and says so', async () => {
    const started = await run('start', record({ previous: null }));
    const { result, verdict } = await run('rollback', started.next);
    expect(verdict).toBe('failed');
    expect(result.phase).toBe('succeeded');
    expect(weights(result.state)).toEqual({ '1.1.0': 100 });
  });
});

describe('what is no verdict', () => {
  it('a target that cannot be reached, a wrong token, an action that does not fit: the user is told what to mend', async () => {
    const gone = record({ target: { kind: 'process', url: 'http://127.0.0.1:9' } });
    await expect(run('start', gone)).rejects.toThrow(UserError);
    await expect(run('start', record(), { supervisorToken: 'guess' })).rejects.toThrow(/refuses the token/);
    await expect(run('step', record())).rejects.toThrow(/does not fit/);
    expect(weightsOf(record())).toHaveLength(2);
  });
});

/** A proxy on the way that changes answers of probes. */
const tamperedReplay: typeof fetch = async (input, init) => tamper(input, await fetch(input, init));

async function tamper(input: Parameters<typeof fetch>[0], response: Response): Promise<Response> {
  if (!String(input).endsWith('/infer')) return response;
  const body = (await response.json()) as { outputs: { data: number[] }[] };
  for (const output of body.outputs) output.data = output.data.map((value) => value + 1);
  return Response.json(body);
}

/** The job dies when the target has taken weights like these, before it can tell anyone. */
function diesAfter(isLast: (versions: { version: string; weight: number }[]) => boolean): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (init?.method === 'PUT' && isLast(JSON.parse(String(init.body)).versions)) throw new Error('killed');
    return response;
  };
}
