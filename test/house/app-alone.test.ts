import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type InstalledPackage, installedPackage, isMachineLearning } from './installed-package.ts';

let bare: InstalledPackage;
let app: ChildProcess | null = null;
beforeAll(() => {
  bare = installedPackage(isMachineLearning);
});
afterAll(() => {
  app?.kill('SIGKILL');
  bare.remove();
});

test.each(['onnxruntime-node', '@tensorflow/tfjs-core', '@duckdb/node-api', 'onnx-proto', '@actions/core'])(
  '%s is not there',
  async (name) => {
    const probe = spawn(process.execPath, ['--input-type=module', '--eval', `await import('${name}')`], {
      cwd: bare.root,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    probe.stderr.on('data', (text) => (stderr += text));
    const [code] = await once(probe, 'exit');
    expect(code).toBe(1);
    expect(stderr).toContain(`Cannot find package '${name}'`);
  },
);

test('the app starts, answers and ends without the packages of machine learning and of jobs', async () => {
  const started = await startApp();
  app = started.child;
  const health = await fetch(`${started.url}/health`);
  expect(health.status).toBe(200);
  expect(await health.json()).toMatchObject({ ok: true });
  expect((await fetch(`${started.url}/metrics`)).status).toBe(200);
  const unsigned = await fetch(`${started.url}/api/github/webhooks`, {
    method: 'POST',
    headers: { 'x-github-event': 'ping', 'x-github-delivery': 'one' },
    body: '{}',
  });
  expect(unsigned.status).toBeGreaterThanOrEqual(400);
  started.child.kill('SIGTERM');
  const [code] = await once(started.child, 'exit');
  expect(code).toBe(0);
});

test.each([
  ['no', undefined],
  ["Probot's default", 'development'],
  ['an empty', ''],
])('with %s webhook secret it does not start, and says how to make one', async (_what, secret) => {
  const env = {
    APP_ID: '1',
    PRIVATE_KEY: 'key',
    ...(secret === undefined ? {} : { WEBHOOK_SECRET: secret }),
  };
  const child = spawn(process.execPath, [join(bare.root, 'dist', 'app.js'), '--port', '0'], {
    cwd: bare.root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  child.stderr.on('data', (text) => (told += text));
  const [code] = await once(child, 'exit');
  expect(code).toBe(2);
  expect(told).toMatch(/WEBHOOK_SECRET/);
  expect(told).not.toMatch(/\bat .*\.js:\d+/);
});

/** From the bundle, with a GitHub that nobody answers for. */
async function startApp(): Promise<{ child: ChildProcess; url: string }> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const child = spawn(process.execPath, [join(bare.root, 'dist', 'app.js'), '--port', '0'], {
    cwd: bare.root,
    env: {
      APP_ID: '1',
      PRIVATE_KEY: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      WEBHOOK_SECRET: 'a-secret-of-this-test-alone',
      GITHUB_API_URL: `http://127.0.0.1:${await closedPort()}/api/v3`,
      ROUNDHOUSE_DIR: join(bare.root, 'state'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (text) => (output += text));
    child.stdout.on('data', (text) => {
      output += text;
      const found = /app ready on (\S+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the app ended with ${code}: ${output}`)));
  });
  return { child, url };
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
