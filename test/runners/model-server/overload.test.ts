import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Supervisor, startSupervisor } from '../../../runners/model-server/supervisor.ts';
import { controlOf, infer, makePlace, type Place, served, token } from './harness.ts';
import { bodyOf, putTinyBundle } from './tiny-model.ts';

let place: Place;
let supervisor: Supervisor;
let url: string;

beforeEach(async () => {
  place = makePlace();
  const release = await putTinyBundle(place.store, { version: '1.0.0', slope: 2 });
  supervisor = await startSupervisor({
    dir: place.dir,
    port: 0,
    token,
    store: place.store,
    logs: place.logs,
    log: () => {},
  });
  url = (await controlOf(supervisor.url).put([served(release, 100)])).body.url;
});
afterEach(async () => {
  await supervisor.close();
  place.remove();
});

/** Processes of models: stopped, they let the queue fill however fast the machine is. */
function modelProcesses(): number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ');
  return children
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('inference-child'));
}

it('answers or turns away with Retry-After, and nothing waits for ever', async () => {
  // 1,000 rows each: 16,384 rows may wait, so that most of these can't be taken.
  const body = JSON.stringify(bodyOf(Array.from({ length: 1000 }, (_, i) => ({ x: i, city: 'a' }))));
  const models = modelProcesses();
  expect(models.length).toBeGreaterThan(0);
  for (const pid of models) process.kill(pid, 'SIGSTOP');
  const sent = Array.from({ length: 120 }, () => infer(url, body));
  await Promise.race(sent);
  for (const pid of models) process.kill(pid, 'SIGCONT');
  const answers = await Promise.all(sent);
  const turnedAway = answers.filter(({ status }) => status !== 200);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
  for (const { headers } of turnedAway) expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect((await infer(url, bodyOf([{ x: 1, city: 'a' }]))).status).toBe(200);
}, 30_000);

it('slow and silent clients do not hold up the others', async () => {
  const { hostname, port } = new URL(url);
  const slow = Array.from({ length: 100 }, () => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(
      'POST /v2/models/bikes/infer HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
    return socket;
  });
  const started = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => infer(url, bodyOf([{ x: 1, city: 'a' }]))),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(performance.now() - started).toBeLessThan(10_000);
  for (const socket of slow) socket.destroy();
});
