import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLiveness } from '../../app/liveness.ts';
import { startApp } from '../../app/server.ts';

const START = Date.parse('2026-03-01T10:00:00Z');
const MINUTE = 60_000;

describe('health of the app', () => {
  it.each([
    ['just started', [], 0, true],
    ['its first round takes long', [], 29, true],
    ['no round succeeded since the start', [[1, 'failed']], 31, false],
    [
      'the last success is young',
      [
        [20, 'ok'],
        [49, 'failed'],
      ],
      50,
      true,
    ],
    [
      'the last success is old',
      [
        [1, 'ok'],
        [2, 'failed'],
      ],
      32,
      false,
    ],
    [
      'it has recovered',
      [
        [1, 'failed'],
        [40, 'ok'],
      ],
      41,
      true,
    ],
    ['no round ends any more', [[1, 'ok']], 32, false],
  ] as const)('%s', (_what, rounds, minute, ok) => {
    let now = new Date(START);
    const liveness = createLiveness({ roundMs: MINUTE, now: () => now });
    for (const [at, outcome] of rounds) {
      now = new Date(START + at * MINUTE);
      if (outcome === 'ok') liveness.succeeded();
      else liveness.failed(new Error('no answer'));
    }
    now = new Date(START + minute * MINUTE);
    const last = rounds.at(-1)?.[1];
    expect(liveness.report()).toMatchObject({
      ok,
      detail: { reconcile_error: last === 'failed' ? 'no answer' : null },
    });
  });

  it('is 503 where GitHub has not answered for long', { timeout: 30_000 }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'health-'));
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    let now = new Date(START);
    const app = await startApp({
      port: 0,
      env: {
        APP_ID: '1',
        PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        WEBHOOK_SECRET: 'a-secret-of-this-test',
        GITHUB_API_URL: 'http://127.0.0.1:9/api/v3',
        ROUNDHOUSE_DIR: dir,
      },
      log: { info: () => {}, warn: () => {}, error: () => {} },
      now: () => now,
    });
    try {
      const health = async () => (await fetch(`${app.url}/health`)).status;
      expect(await health()).toBe(200);
      const told = await (await fetch(`${app.url}/health`)).json();
      expect(told).toMatchObject({ ok: true, waiting: 0, failing: {}, given_up: {} });
      now = new Date(START + 2 * MINUTE);
      expect(await health()).toBe(503);
    } finally {
      await app.close();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
