import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { verify } from '@octokit/webhooks-methods';
import type { Delivery, Receipt } from './journal.ts';
import type { Metrics } from './metrics.ts';

export const WEBHOOK_PATH = '/api/github/webhooks';

/** GitHub sends at most 25 MB. All bodies that aren't verified yet together may hold four of them. */
const BODY_MAX_BYTES = 25 * 1024 * 1024;
const UNVERIFIED_MAX_BYTES = 4 * BODY_MAX_BYTES;
const BODY_TIMEOUT_MS = 30_000;

type Answer = { status: number; text: string; headers?: Record<string, string> };

export type Front = { server: Server };

/**
 * The door: verify, write to the journal, answer, then work. Nobody waits for the work, and nothing is
 * answered that could be lost.
 */
export function createFront({
  secret,
  receive,
  start,
  metrics,
  healthy,
}: {
  secret: string;
  /** Makes the delivery durable. */
  receive: (delivery: Delivery) => Promise<Receipt>;
  /** Begins the work; called after the answer is sent. */
  start: (delivery: Delivery) => void;
  metrics: Metrics;
  healthy: () => { ok: boolean; detail: Record<string, unknown> };
}): Server {
  let unverified = 0;

  async function webhook(request: IncomingMessage): Promise<Answer & { delivery?: Delivery }> {
    const id = header(request, 'x-github-delivery');
    const name = header(request, 'x-github-event');
    const signature = header(request, 'x-hub-signature-256');
    if (!id || !name || !signature) return refuse(400, 'unsigned', 'not a signed delivery');
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > BODY_MAX_BYTES) return refuse(413, 'too_large', 'the body is over 25 MB');
    if (unverified + announced > UNVERIFIED_MAX_BYTES) return busy();
    const read = await readVerified(request, signature);
    if ('refusal' in read) return read.refusal;
    const payload = parsed(read.body);
    if (payload === undefined) return refuse(400, 'not_json', 'the body is not JSON');
    const delivery = { id, name, payload };
    const receipt = await receive(delivery);
    metrics.count('roundhouse_deliveries_total', { event: name, receipt });
    const answer = { status: 202, text: receipt };
    return receipt === 'new' ? { ...answer, delivery } : answer;
  }

  function refuse(status: number, reason: string, text: string): Answer {
    metrics.count('roundhouse_deliveries_refused_total', { reason });
    return { status, text };
  }

  function busy(): Answer {
    return { ...refuse(503, 'busy', 'busy'), headers: { 'retry-after': '5' } };
  }

  async function route(request: IncomingMessage): Promise<Answer & { delivery?: Delivery }> {
    const path = request.url?.split('?')[0];
    if (request.method === 'POST' && path === WEBHOOK_PATH) return webhook(request);
    if (request.method !== 'GET') return { status: 404, text: 'not found' };
    if (path === '/health') {
      const { ok, detail } = healthy();
      return { status: ok ? 200 : 503, text: JSON.stringify({ ok, ...detail }) };
    }
    if (path === '/metrics') return { status: 200, text: metrics.render() };
    return { status: 404, text: 'not found' };
  }

  /**
   * What is counted is what came, not what was announced: an announcement costs its sender nothing, and four
   * of them would shut the door on GitHub.
   */
  async function readVerified(
    request: IncomingMessage,
    signature: string,
  ): Promise<{ body: string } | { refusal: Answer }> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of request) {
        size += chunk.length;
        unverified += chunk.length;
        if (size > BODY_MAX_BYTES) return { refusal: refuse(413, 'too_large', 'the body is over 25 MB') };
        if (unverified > UNVERIFIED_MAX_BYTES) return { refusal: busy() };
        chunks.push(chunk);
      }
      const body = Buffer.concat(chunks).toString('utf8');
      if (await isSigned(secret, body, signature)) return { body };
      return { refusal: refuse(401, 'bad_signature', 'wrong signature') };
    } finally {
      unverified -= size;
    }
  }

  const server = createServer((request, response) => {
    route(request).then(
      ({ delivery, ...answer }) => {
        send(request, response, answer);
        if (delivery) start(delivery);
      },
      () => send(request, response, { status: 500, text: 'the delivery could not be stored' }),
    );
  });
  server.requestTimeout = BODY_TIMEOUT_MS;
  return server;
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(answer.status, { 'content-type': 'text/plain; charset=utf-8', ...answer.headers });
  response.end(answer.text);
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value.length <= 200 ? value : undefined;
}

/** The library throws on a signature that has not even the form of one. */
async function isSigned(secret: string, body: string, signature: string): Promise<boolean> {
  try {
    return await verify(secret, body, signature);
  } catch {
    return false;
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
