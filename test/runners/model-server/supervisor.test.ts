import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Release } from '#lib/lifecycle/rollout.ts';
import { feedbackRecordSchema, predictionRecordSchema } from '#lib/lifecycle/serving.ts';
import { type Supervisor, startSupervisor } from '../../../runners/model-server/supervisor.ts';
import {
  controlOf,
  infer,
  makePlace,
  modelChildrenOf,
  type Place,
  readLines,
  served,
  token,
  until,
} from './harness.ts';
import { bodyOf, putTinyBundle, tinyAnswer, tinyGolden, tinyOnnx } from './tiny-model.ts';

let place: Place;
let supervisor: Supervisor;
let former: Release;
let newer: Release;
const lines: string[] = [];

function start(): Promise<Supervisor> {
  const { dir, store, logs } = place;
  return startSupervisor({ dir, port: 0, token, store, logs, log: (line) => lines.push(line) });
}

beforeEach(async () => {
  place = makePlace();
  former = await putTinyBundle(place.store, { version: '1.0.0', slope: 2 });
  newer = await putTinyBundle(place.store, { version: '1.1.0', slope: 3 });
  supervisor = await start();
});
afterEach(async () => {
  await supervisor.close();
  expect(modelChildrenOf(process.pid)).toEqual([]);
  place.remove();
});

describe('the router', () => {
  it('answers the Open Inference Protocol with the model that was put', async () => {
    const { status, body: state } = await controlOf(supervisor.url).put([served(former, 100)]);
    expect(status).toBe(200);
    const rows = [
      { x: 1.5, city: 'b' },
      { x: null, city: null },
    ];
    const answer = await infer(state.url, bodyOf(rows, { id: 'first' }));
    expect(answer.body).toEqual({
      model_name: 'bikes',
      model_version: '1.0.0',
      id: 'first',
      outputs: [
        {
          name: 'prediction',
          datatype: 'FP32',
          shape: [2, 1],
          data: rows.map((row) => tinyAnswer({ slope: 2 }, row)),
        },
      ],
      parameters: { candidate: former.candidate },
    });
    const metadata = await (await fetch(`${state.url}/v2/models/bikes`)).json();
    expect(metadata).toMatchObject({
      name: 'bikes',
      versions: ['1.0.0'],
      parameters: { candidate: former.candidate, version: '1.0.0', model: former.model },
    });
    for (const path of [
      '/v2',
      '/v2/health/live',
      '/v2/health/ready',
      '/v2/models/bikes/ready',
      '/v2/models/bikes/versions/1.0.0',
      '/v2/models/bikes/versions/1.0.0/ready',
    ])
      expect((await fetch(state.url + path)).status, path).toBe(200);
    for (const path of ['/v2/models/cars', '/v2/models/bikes/versions/9.9.9', '/v3'])
      expect((await fetch(state.url + path)).status, path).toBe(404);
  });

  it('logs predictions by event date and labels beside them, and no probe', async () => {
    const { url } = (await controlOf(supervisor.url).put([served(former, 100)])).body;
    const rows = [
      { x: 1, city: 'a' },
      { x: 2, city: null },
    ];
    await infer(url, bodyOf(rows, { id: 'r1', parameters: { event_time: '2012-04-01T23:30:00-02:00' } }));
    await infer(url, bodyOf(rows, { id: 'probe' }), { 'x-roundhouse-version': '1.0.0' });
    const named = await infer(url, bodyOf([{ x: 5, city: 'b' }]));
    expect(named.body.id).toMatch(/^[0-9a-f-]{36}$/);
    const feedback = await fetch(`${url}/v2/models/bikes/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ items: [{ id: 'r1:0', label: 17, event_time: '2012-05-01T00:00:00Z' }] }),
    });
    expect(await feedback.json()).toEqual({ accepted: 1 });
    const folder = join(place.logs, 'bikes', 'production');
    const logged = readLines(join(folder, 'predictions', '2012-04-02.jsonl')).map((line) =>
      predictionRecordSchema.parse(JSON.parse(line)),
    );
    expect(logged).toMatchObject([
      {
        id: 'r1:0',
        version: '1.0.0',
        inputs: { x: 1, city: 'a' },
        prediction: [2],
        event_time: '2012-04-02T01:30:00.000Z',
      },
      { id: 'r1:1', inputs: { x: 2, city: null }, prediction: [4] },
    ]);
    const today = readLines(join(folder, 'predictions', `${new Date().toISOString().slice(0, 10)}.jsonl`));
    expect(today).toHaveLength(1);
    const labels = readLines(join(folder, 'feedback', '2012-05-01.jsonl')).map((line) =>
      feedbackRecordSchema.parse(JSON.parse(line)),
    );
    expect(labels).toMatchObject([{ id: 'r1:0', label: 17 }]);
  });

  it('splits by weight, keeps a unit with its version, counts only what is no probe', async () => {
    const control = controlOf(supervisor.url);
    const { url } = (await control.put([served(former, 70), served(newer, 30)])).body;
    const ask = async (unit: string) =>
      (await infer(url, bodyOf([{ x: 1, city: 'a' }]), { 'x-roundhouse-unit': unit })).body;
    const first = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(`user-${i}`)));
    const again = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(`user-${i}`)));
    expect(again.map((answer) => answer.model_version)).toEqual(first.map((answer) => answer.model_version));
    const share = first.filter((answer) => answer.model_version === '1.1.0').length / 200;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.4);
    for (const answer of first)
      expect(answer.outputs[0].data).toEqual([answer.model_version === '1.1.0' ? 3 : 2]);
    await infer(url, bodyOf([{ x: 1, city: 'a' }]), { 'x-roundhouse-version': '1.1.0' });
    const state = await control.state();
    expect(state.versions.reduce((sum, { requests }) => sum + requests, 0)).toBe(400);
    expect(state.versions.every(({ ready, errors }) => ready && errors === 0)).toBe(true);

    // The growing version keeps its units.
    await control.put([served(former, 40), served(newer, 60)]);
    const later = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(`user-${i}`)));
    for (const [at, answer] of first.entries())
      if (answer.model_version === '1.1.0') expect(later[at].model_version).toBe('1.1.0');
  });

  it('tells its figures to Prometheus', async () => {
    const { url } = (await controlOf(supervisor.url).put([served(former, 100)])).body;
    await infer(url, bodyOf([{ x: 1, city: 'a' }]));
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain(
      'roundhouse_requests_total{model="bikes",environment="production",version="1.0.0"} 1\n',
    );
    expect(text).toContain('roundhouse_log_records_total 1\n');
    expect(text).toMatch(/roundhouse_request_seconds_bucket\{[^}]*le="\+Inf"\} 1\n/);
  });
});

describe('a change is all or nothing', () => {
  it('a refused version leaves the old one serving, with the reason', async () => {
    const control = controlOf(supervisor.url);
    const { url } = (await control.put([served(former, 100)])).body;
    const flipped = await putTinyBundle(place.store, { version: '1.2.0', slope: 4 });
    const path = place.objectPath(flipped.model);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const wrongGolden = await putTinyBundle(place.store, {
      version: '1.3.0',
      slope: 5,
      golden: tinyGolden({ slope: 6 }),
    });
    const noModel = await putTinyBundle(place.store, {
      version: '1.4.0',
      slope: 5,
      onnx: Buffer.from('garbage'),
    });
    const cases: [Release, number, RegExp][] = [
      [flipped, 422, /bytes were changed/],
      [{ ...newer, model: former.model }, 422, /was approved/],
      [wrongGolden, 422, /golden row 1/],
      [noModel, 422, /ONNX/],
      [{ ...newer, bundle: `sha256:${'0'.repeat(64)}` }, 422, /not in the store/],
    ];
    const before = await control.state();
    for (const [release, status, message] of cases) {
      const answer = await control.put([served(former, 90), served(release, 10)]);
      expect(answer.status).toBe(status);
      expect(answer.body.message).toMatch(message);
      expect((await infer(url, bodyOf([{ x: 1, city: 'a' }]))).body.model_version).toBe('1.0.0');
    }
    const after = await control.state();
    expect(after.versions.map(({ version, weight, since }) => ({ version, weight, since }))).toEqual(
      before.versions.map(({ version, weight, since }) => ({ version, weight, since })),
    );
    expect(modelChildrenOf(process.pid)).toHaveLength(1);
  });

  it('refuses what is no specification, a wrong token, and a body about something else', async () => {
    const control = controlOf(supervisor.url);
    expect((await control.put([served(former, 90)])).status).toBe(422);
    expect((await control.put([served(former, 50), served(former, 50)])).status).toBe(422);
    const address = `${supervisor.url}/v1/environments/production/models/bikes`;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const spec = { model: 'bikes', environment: 'staging', versions: [served(former, 100)] };
    expect((await fetch(address, { method: 'PUT', headers, body: JSON.stringify(spec) })).status).toBe(409);
    expect((await fetch(address, { method: 'PUT', headers, body: '{' })).status).toBe(400);
    expect((await fetch(address, { headers: { authorization: 'Bearer guess' } })).status).toBe(401);
    expect((await fetch(address)).status).toBe(401);
    expect((await fetch(address, { headers })).status).toBe(404);
  });

  it('is idempotent: the same again keeps counts and processes', async () => {
    const control = controlOf(supervisor.url);
    const { url } = (await control.put([served(former, 90), served(newer, 10)])).body;
    await infer(url, bodyOf([{ x: 1, city: 'a' }]));
    const children = modelChildrenOf(process.pid);
    const before = await control.state();
    const { body: after } = await control.put([served(former, 90), served(newer, 10)]);
    expect({ ...after, now: '' }).toEqual({ ...before, now: '' });
    expect(modelChildrenOf(process.pid)).toEqual(children);
  });

  it('drops no request while versions change under traffic', async () => {
    const control = controlOf(supervisor.url);
    const { url } = (await control.put([served(former, 100)])).body;
    let isOn = true;
    const statuses: number[] = [];
    const traffic = Array.from({ length: 8 }, async () => {
      while (isOn) statuses.push((await infer(url, bodyOf([{ x: 1, city: 'a' }]))).status);
    });
    await control.put([served(former, 50), served(newer, 50)]);
    await control.put([served(newer, 100)]);
    await control.put([served(former, 100)]);
    isOn = false;
    await Promise.all(traffic);
    expect(statuses.length).toBeGreaterThan(50);
    expect(new Set(statuses)).toEqual(new Set([200]));
    await until(() => modelChildrenOf(process.pid).length === 1);
  });

  it('a first version can be staged without traffic', async () => {
    const control = controlOf(supervisor.url);
    const { url } = (await control.put([served(former, 0)])).body;
    const answer = await infer(url, bodyOf([{ x: 1, city: 'a' }]));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    const probe = await infer(url, bodyOf([{ x: 1, city: 'a' }]), { 'x-roundhouse-version': '1.0.0' });
    expect(probe.status).toBe(200);
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(503);
  });
});

describe('faults', () => {
  it('starts a killed model process again, and no request is lost', async () => {
    const control = controlOf(supervisor.url);
    const { url } = (await control.put([served(former, 100)])).body;
    for (let round = 1; round <= 2; round += 1) {
      const [child] = modelChildrenOf(process.pid);
      if (child === undefined) throw new Error('no child');
      const pending = Array.from({ length: 20 }, () => infer(url, bodyOf([{ x: 1, city: 'a' }])));
      process.kill(child, 'SIGKILL');
      expect(new Set((await Promise.all(pending)).map(({ status }) => status))).toEqual(new Set([200]));
      const answer = await infer(url, bodyOf([{ x: 2, city: 'a' }]));
      expect(answer.body.outputs[0].data).toEqual([4]);
    }
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
      /roundhouse_model_restarts_total\{[^}]*\} [12]\n/,
    );
    expect((await control.state()).versions[0]?.errors).toBe(0);
  });

  it('counts a body that only the other version takes as an error of the version that refused it', async () => {
    const control = controlOf(supervisor.url);
    const other = await putTinyBundle(place.store, { version: '2.0.0', slope: 3, column: 'town' });
    const { url } = (await control.put([served(former, 50), served(other, 50)])).body;
    for (let i = 0; i < 30; i += 1) expect((await infer(url, { inputs: [] })).status).toBe(400);
    expect((await control.state()).versions.map(({ errors }) => errors)).toEqual([0, 0]);
    const statuses = [];
    for (let i = 0; i < 30; i += 1) statuses.push((await infer(url, bodyOf([{ x: 1, city: 'a' }]))).status);
    const refused = statuses.filter((status) => status === 400).length;
    expect(refused).toBeGreaterThan(3);
    expect((await control.state()).versions.map(({ errors }) => errors)).toEqual([0, refused]);
  });

  it('goes on where it was after a restart: ports, versions, weights', async () => {
    const control = controlOf(supervisor.url);
    const { url, versions } = (await control.put([served(former, 80), served(newer, 20)])).body;
    const controlUrl = supervisor.url;
    await supervisor.close();
    supervisor = await start();
    expect(supervisor.url).toBe(controlUrl);
    const state = await control.state();
    expect(state.url).toBe(url);
    expect(
      state.versions.map(({ version, weight, since, ready }) => ({ version, weight, since, ready })),
    ).toEqual(versions.map(({ version, weight, since }) => ({ version, weight, since, ready: true })));
    expect((await infer(url, bodyOf([{ x: 1, city: 'a' }]))).status).toBe(200);
  });

  it('serves the sound version after a restart while the other cannot be loaded, and heals', async () => {
    const control = controlOf(supervisor.url);
    const { url } = (await control.put([served(former, 100), served(newer, 0)])).body;
    await supervisor.close();
    const path = place.objectPath(newer.model);
    const bytes = readFileSync(path);
    writeFileSync(path, 'not these bytes');
    supervisor = await start();
    expect((await control.state()).versions.map(({ ready }) => ready)).toEqual([true, false]);
    expect((await infer(url, bodyOf([{ x: 1, city: 'a' }]))).status).toBe(200);
    writeFileSync(path, bytes);
    await until(async () => (await control.state()).versions.every(({ ready }) => ready));
  });

  it('cuts off a torn last line and loses no whole one', async () => {
    const folder = join(place.logs, 'bikes', 'production', 'predictions');
    const { url } = (await controlOf(supervisor.url).put([served(former, 100)])).body;
    const at = { parameters: { event_time: '2012-01-01T00:00:00Z' } };
    await infer(url, bodyOf([{ x: 1, city: 'a' }], { id: 'one', ...at }));
    await supervisor.close();
    const path = join(folder, '2012-01-01.jsonl');
    writeFileSync(path, '{"id":"torn', { flag: 'a' });
    supervisor = await start();
    await infer(url, bodyOf([{ x: 1, city: 'a' }], { id: 'two', ...at }));
    expect(readLines(path).map((line) => JSON.parse(line).id)).toEqual(['one:0', 'two:0']);
  });

  it('keeps answering when the log cannot be written, and counts what is dropped', async () => {
    writeFileSync(place.logs, 'a file where the folder should be');
    const { url } = (await controlOf(supervisor.url).put([served(former, 100)])).body;
    expect(
      (
        await infer(
          url,
          bodyOf([
            { x: 1, city: 'a' },
            { x: 2, city: 'a' },
          ]),
        )
      ).status,
    ).toBe(200);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('roundhouse_log_dropped_total 2\n');
    const label = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"items":[{"id":"a:0","label":1}]}',
    };
    expect((await fetch(`${url}/v2/models/bikes/feedback`, label)).status).toBe(503);
    expect(existsSync(place.logs) && statSync(place.logs).isFile()).toBe(true);
  });
});

describe('hostile requests', () => {
  it('are refused with a reason, and the next one is answered', async () => {
    const { url } = (await controlOf(supervisor.url).put([served(former, 100)])).body;
    const sound = bodyOf([{ x: 1, city: 'a' }]);
    const [x, city] = sound.inputs;
    const cases: [string, unknown, number, RegExp][] = [
      ['no JSON', '{', 400, /JSON/],
      ['prototype', '{"__proto__": {"x": 1}, "inputs": []}', 400, /./],
      ['no object', '[]', 400, /object/],
      ['unknown member', { ...sound, input: 1 }, 400, /unknown member "input"/],
      ['unknown parameter', { ...sound, parameters: { event_tme: 1 } }, 400, /unknown parameter "event_tme"/],
      ['bad time', { ...sound, parameters: { event_time: 'yesterday' } }, 400, /event_time/],
      ['empty id', { ...sound, id: '' }, 400, /"id"/],
      ['missing input', { inputs: [x] }, 400, /missing inputs: city/],
      ['twice', { inputs: [x, x, city] }, 400, /twice/],
      ['unknown input', { inputs: [x, city, { ...x, name: 'y' }] }, 400, /unknown input "y"/],
      ['wrong datatype', { inputs: [{ ...x, datatype: 'FP64' }, city] }, 400, /must be FP32/],
      ['wrong shape', { inputs: [{ ...x, shape: [1, 2] }, city] }, 400, /shape/],
      ['huge shape', { inputs: [{ ...x, shape: [1e9] }, city] }, 400, /rows/],
      ['too few values', { inputs: [{ ...x, shape: [2, 1] }, city] }, 400, /1 values for 2 rows/],
      ['rows differ', { inputs: [{ ...x, shape: [2], data: [1, 2] }, city] }, 400, /same number of rows/],
      [
        'text for number',
        { inputs: [{ ...x, data: ['1'] }, city] },
        400,
        /row 1: "1" is not a 32-bit number/,
      ],
      ['beyond float32', { inputs: [{ ...x, data: [1e39] }, city] }, 400, /32-bit/],
      ['number for text', { inputs: [x, { ...city, data: [7] }] }, 400, /text/],
      ['other output', { ...sound, outputs: [{ name: 'logits' }] }, 400, /outputs/],
      ['too large', JSON.stringify({ ...sound, id: 'x'.repeat(5 * 1024 * 1024) }), 413, /./],
    ];
    for (const [what, body, status, message] of cases) {
      const answer = await infer(url, body);
      expect(answer.status, what).toBe(status);
      expect(answer.body.error, what).toMatch(message);
    }
    const form = await fetch(`${url}/v2/models/bikes/infer`, {
      method: 'POST',
      body: new URLSearchParams({ a: '1' }),
    });
    expect(form.status).toBe(415);
    expect((await infer(url, sound, { 'x-roundhouse-version': '../../etc' })).status).toBe(404);
    expect((await infer(url, sound)).status).toBe(200);
  });

  it('feedback is checked too', async () => {
    const { url } = (await controlOf(supervisor.url).put([served(former, 100)])).body;
    for (const body of [
      '{}',
      '{"items":[]}',
      '{"items":[{"id":"a"}]}',
      '{"items":[{"id":"a","label":{}}]}',
    ]) {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${url}/v2/models/bikes/feedback`, { method: 'POST', headers, body });
      expect(answer.status, body).toBe(400);
    }
  });
});

it('the tiny model has the bytes it is known by', () => {
  expect(tinyOnnx({ slope: 2 })).toEqual(tinyOnnx({ slope: 2 }));
});
