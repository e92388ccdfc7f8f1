import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sign } from '@octokit/webhooks-methods';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFront, WEBHOOK_PATH } from '../../app/front.ts';
import type { Delivery } from '../../app/journal.ts';
import { createMetrics } from '../../app/metrics.ts';

const SECRET = 'a-secret-of-this-test';
const CHUNKED = { 'transfer-encoding': 'chunked' };
/** A hundred megabytes take their time on a busy machine. */
const LARGE = { timeout: 30_000 };
const BODY = JSON.stringify({ ref: 'refs/heads/main' });

let front: ReturnType<typeof createFront>;
let url: string;
let happened: string[];
let storing: 'works' | 'fails';

beforeEach(async () => {
  happened = [];
  storing = 'works';
  const seen = new Set<string>();
  front = createFront({
    secret: SECRET,
    metrics: createMetrics({}),
    healthy: () => ({ ok: true, detail: { waiting: 0 } }),
    receive: async ({ id }: Delivery) => {
      if (storing === 'fails') throw new Error('disk full');
      const receipt = seen.has(id) ? 'done' : 'new';
      seen.add(id);
      happened.push(`stored ${id}`);
      return receipt;
    },
    start: ({ id }) => void happened.push(`started ${id}`),
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
});
afterEach(async () => {
  front.closeAllConnections();
  await new Promise((resolve) => front.close(resolve));
});

async function deliver(headers: Record<string, string>, body = BODY): Promise<Response> {
  return fetch(`${url}${WEBHOOK_PATH}`, { method: 'POST', headers, body });
}
const signed = async (id: string, body = BODY) => ({
  'x-github-delivery': id,
  'x-github-event': 'push',
  'x-hub-signature-256': await sign(SECRET, body),
});

describe('the front', () => {
  it('stores, answers 202, then works', async () => {
    const answer = await deliver(await signed('1'));
    expect(answer.status).toBe(202);
    await answer.text();
    expect(happened).toEqual(['stored 1', 'started 1']);
  });

  it('does a replayed delivery once', async () => {
    await deliver(await signed('1'));
    expect((await deliver(await signed('1'))).status).toBe(202);
    expect(happened.filter((what) => what.startsWith('started'))).toEqual(['started 1']);
  });

  it('answers 500 and does nothing when it cannot store', async () => {
    storing = 'fails';
    expect((await deliver(await signed('1'))).status).toBe(500);
    expect(happened).toEqual([]);
  });

  it.each<[string, (headers: Record<string, string>) => Record<string, string>, number]>([
    ['no signature', ({ 'x-hub-signature-256': _, ...rest }) => rest, 400],
    ['no delivery id', ({ 'x-github-delivery': _, ...rest }) => rest, 400],
    ['no event', ({ 'x-github-event': _, ...rest }) => rest, 400],
    [
      'a signature of another secret',
      (h) => ({ ...h, 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }),
      401,
    ],
    ['a signature that is none', (h) => ({ ...h, 'x-hub-signature-256': 'nonsense' }), 401],
    ['an id of any length', (h) => ({ ...h, 'x-github-delivery': 'x'.repeat(1000) }), 400],
  ])('refuses %s without effect', async (_what, change, status) => {
    expect((await deliver(change(await signed('1')))).status).toBe(status);
    expect(happened).toEqual([]);
  });

  it('refuses a body that is signed and no JSON', async () => {
    expect((await deliver(await signed('1', 'ref=main'), 'ref=main')).status).toBe(400);
    expect(happened).toEqual([]);
  });

  it('refuses a forged body under the signature of another', async () => {
    expect((await deliver(await signed('1'), BODY.replace('main', 'evil'))).status).toBe(401);
  });

  it('stops reading a body that is too large, announced or not', async () => {
    const announced = await send({ 'content-length': String(26 * 1024 * 1024) }, 0).answer;
    expect(announced.status).toBe(413);
    const streamed = await send(CHUNKED, 200).answer;
    // A sender that is cut off while it writes may never get to read the answer: that is TCP's.
    expect([413, null]).toContain(streamed.status);
    expect(streamed.sent).toBeLessThan(60);
    const seen = await (await fetch(`${url}/metrics`)).text();
    expect(seen).toContain('roundhouse_deliveries_refused_total{reason="too_large"} 2');
    expect(happened).toEqual([]);
  });

  it('holds 100 MB of unverified bodies, and nothing for what was only announced', LARGE, async () => {
    const idle = Array.from({ length: 6 }, () => send({ 'content-length': String(24 * 1024 * 1024) }, 0));
    const open = Array.from({ length: 4 }, () => send(CHUNKED, 20));
    await Promise.all(open.map(({ written }) => written));
    expect(await send(CHUNKED, 24).answer).toMatchObject({ status: 503, retryAfter: '5' });
    expect((await deliver(await signed('1'))).status).toBe(202);
    for (const { end } of open) end();
    const answers = await Promise.all(open.map(({ answer }) => answer));
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    for (const { abort } of idle) abort();
  });

  /** Sends so many megabytes under a wrong signature, stops as soon as it is answered, and doesn't end by itself. */
  function send(headers: Record<string, string>, megabytes: number) {
    const fake = {
      'x-github-delivery': 'unsigned',
      'x-github-event': 'push',
      'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
    };
    const call = request(`${url}${WEBHOOK_PATH}`, { method: 'POST', headers: { ...fake, ...headers } });
    let sent = 0;
    let over = false;
    const answer = new Promise<{ status: number | null; retryAfter: string | undefined; sent: number }>(
      (resolve, reject) => {
        call.on('error', (error: NodeJS.ErrnoException) => {
          const isCut = error.code === 'EPIPE' || error.code === 'ECONNRESET';
          if (isCut && !over) resolve({ status: null, retryAfter: undefined, sent });
          else if (!over) reject(error);
          over = true;
        });
        call.on('response', ({ statusCode = 0, headers }) => {
          over = true;
          resolve({ status: statusCode, retryAfter: headers['retry-after'], sent });
          call.destroy();
        });
      },
    );
    async function write(): Promise<void> {
      const chunk = Buffer.alloc(1024 * 1024);
      call.flushHeaders();
      for (; !over && sent < megabytes; sent += 1) {
        if (!call.write(chunk)) await Promise.race([once(call, 'drain').catch(() => undefined), answer]);
      }
    }
    function abort(): void {
      over = true;
      call.destroy();
    }
    return { answer, written: write(), end: () => void call.end(), abort };
  }

  it('shows health and metrics, and nothing else', async () => {
    await deliver(await signed('1'));
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ ok: true, waiting: 0 });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(
      'roundhouse_deliveries_total{event="push",receipt="new"} 1',
    );
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/other`, { method: 'POST', body: 'x' })).status).toBe(404);
  });
});
