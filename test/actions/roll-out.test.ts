import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { renderLock } from '#lib/formats/config.ts';
import type { DataLock, ModelLock } from '#lib/lifecycle/locks.ts';
import type { Release } from '#lib/lifecycle/rollout.ts';
import { planRollOut, rollOut } from '../../actions/deploy/roll-out.ts';
import type { StageContext } from '../../actions/kit/context.ts';
import { openDeps } from '../../actions/kit/deps.ts';
import { openEvidenceFolder } from '../../actions/kit/evidence-folder.ts';
import { silentProgress } from '../../actions/kit/progress.ts';
import { type Supervisor, startSupervisor } from '../../runners/model-server/supervisor.ts';
import { bikesTexts } from '../formats/bikes.ts';
import { digest } from '../formats/sample-evidence.ts';
import { controlOf, infer, makePlace, type Place, token } from '../runners/model-server/harness.ts';
import { bodyOf, putTinyBundle } from '../runners/model-server/tiny-model.ts';

let place: Place;
let supervisor: Supervisor;

beforeEach(async () => {
  place = makePlace();
  supervisor = await startSupervisor({
    ...{ dir: place.dir, port: 0, token, store: place.store, logs: null, log: () => {} },
    environments: ['production'],
  });
});
afterEach(async () => {
  await supervisor.close();
  place.remove();
});

const dataLock: DataLock = {
  version: 1,
  sources: {},
  steps: digest('1'),
  output: { content: digest('2'), object: digest('3') },
  rows: 1,
  profile: digest('4'),
  verdict: 'passed',
};

function modelLock({ candidate, bundle, model }: Release): ModelLock {
  const same = { data: digest('2'), code: digest('5'), config: digest('6'), gates: digest('7') };
  return {
    ...{ version: 1, ...same, policy: digest('8'), evaluation: digest('9'), candidate, bundle, model },
    ...{ twin: model, refit: 'none', trainer: 'tiny', metrics: {}, window: null },
  };
}

/** A checkout whose locks name the release: what a job finds, with no records of earlier rollouts. */
function checkoutOf(release: Release): string {
  const workspace = mkdtempSync(join(place.root, 'checkout-'));
  const { policy, problem, data, model, operate } = bikesTexts();
  const files = {
    [policy.file]: policy.text.replace('http://127.0.0.1:4450', supervisor.url),
    [problem.file]: problem.text,
    [data.file]: data.text,
    [model.file]: model.text,
    [operate.file]: operate.text
      .replace('min_requests: 40', 'min_requests: 5')
      .replace('max_latency_p95_ms: 250', 'max_latency_p95_ms: 30000'),
    'models/bikes/data.lock': renderLock(dataLock),
    'models/bikes/model.lock': renderLock(modelLock(release)),
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), text);
  }
  return workspace;
}

const deploy = (workspace: string) =>
  within(workspace, async (context) => (await rollOut(context)).statement.predicate.result);

async function within<Found>(
  workspace: string,
  run: (context: StageContext) => Promise<Found>,
): Promise<Found> {
  const env = { ROUNDHOUSE_STORE_MAIN: place.storeUrl, ROUNDHOUSE_SUPERVISOR_TOKEN: token };
  const deps = openDeps({ workspace, env, progress: silentProgress });
  const evidence = openEvidenceFolder(workspace, 'bikes');
  try {
    return await run({ model: 'bikes', plan: null, option: () => '', deps, evidence });
  } finally {
    deps.dispose();
  }
}

const served = async () =>
  (await controlOf(supervisor.url).state()).versions.map(({ version, candidate, weight }) => ({
    version,
    candidate,
    weight,
  }));

/** Requests for as long as something is under way, so that a canary has what it is judged by. */
async function withTraffic<Value>(run: Promise<Value>): Promise<Value> {
  const { url } = await controlOf(supervisor.url).state();
  let over = false;
  const sending = (async () => {
    while (!over) {
      await infer(url, bodyOf([{ x: 1, city: 'a' }]));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  try {
    return await run;
  } finally {
    over = true;
    await sending;
  }
}

test('a new checkout goes on from what the target serves: first all at once, then by canary, then only a check', async () => {
  const first = await putTinyBundle(place.store, { version: '9.9.9', slope: 2 });
  const second = await putTinyBundle(place.store, { version: '9.9.9', slope: 3 });
  expect(await deploy(checkoutOf(first))).toMatchObject({ version: '0.1.0', phase: 'succeeded', step: 0 });
  expect(await served()).toEqual([{ version: '0.1.0', candidate: first.candidate, weight: 100 }]);

  const rolled = await withTraffic(deploy(checkoutOf(second)));
  expect(rolled).toMatchObject({ version: '0.2.0', action: 'step', phase: 'succeeded' });
  const after = [{ version: '0.2.0', candidate: second.candidate, weight: 100 }];
  expect(await served()).toEqual(after);

  expect(await deploy(checkoutOf(second))).toMatchObject({
    version: '0.2.0',
    action: 'start',
    phase: 'succeeded',
  });
  expect(await served()).toEqual(after);
});

test('bytes that are not those of the lock are refused, and what serves goes on', async () => {
  const first = await putTinyBundle(place.store, { version: '9.9.9', slope: 2 });
  const second = await putTinyBundle(place.store, { version: '9.9.9', slope: 3 });
  await deploy(checkoutOf(first));
  const path = place.objectPath(second.model);
  rmSync(path, { force: true });
  writeFileSync(path, 'other bytes');
  expect(await deploy(checkoutOf(second))).toMatchObject({
    version: '0.2.0',
    phase: 'aborted',
    verdict: 'failed',
  });
  expect(await served()).toEqual([{ version: '0.1.0', candidate: first.candidate, weight: 100 }]);
});

test('planned only, it says where it would begin, and neither checkout, store nor target change', async () => {
  const first = await putTinyBundle(place.store, { version: '9.9.9', slope: 2 });
  const second = await putTinyBundle(place.store, { version: '9.9.9', slope: 3 });
  await deploy(checkoutOf(first));
  const serving = await served();
  const workspace = checkoutOf(second);
  const seen = () => [workspace, place.root].map((root) => readdirSync(root, { recursive: true }).length);
  const before = seen();
  expect(await within(workspace, planRollOut)).toMatchObject({
    release: { version: '0.2.0', candidate: second.candidate },
    previous: { version: '0.1.0', candidate: first.candidate },
    phase: 'pending',
  });
  expect(seen()).toEqual(before);
  expect(await served()).toEqual(serving);
  expect(await within(checkoutOf(first), planRollOut)).toMatchObject({ phase: 'succeeded' });
});
