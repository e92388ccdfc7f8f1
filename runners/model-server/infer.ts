import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { PredictionRecord } from '#lib/lifecycle/serving.ts';
import { assign } from './assignment.ts';
import { type InferRequest, parseInferRequest } from './infer-request.ts';
import type { Answer } from './model-process.ts';
import type { RoutedVersion, Serving } from './served-model.ts';
import { busyReply, type ModelRequest, VERSION_HEADER, versionsOf } from './versions-of.ts';

/** The user or entity whose requests stay with one version; else each request is a unit of its own. */
const UNIT_HEADER = 'x-roundhouse-unit';

/** Answers a request with one version, and waits for the log: what a client got is in the file. */
export async function infer(serving: Serving, request: ModelRequest, reply: FastifyReply) {
  const receivedAt = performance.now();
  const versions = versionsOf(serving, request, reply);
  if (versions === null) return reply;
  const model = request.params.name;
  const id = requestIdOf(request.body) ?? randomUUID();
  const isProbe = request.headers[VERSION_HEADER] !== undefined;
  const version = chooseVersion(versions, { request, id });
  const loaded = version?.loaded ?? null;
  if (version === null || loaded === null) {
    if (version !== null) count(version, { isProbe, latencyMs: null });
    return busyReply(reply, { message: `no version of model "${model}" takes requests now`, retryAfter: 1 });
  }
  const parsed = parseInferRequest(request.body, loaded.bundle.signature);
  if (parsed.kind === 'refused') {
    if (isTakenByOther(versions, version, request.body)) count(version, { isProbe, latencyMs: null });
    return reply.code(400).send({ error: parsed.message });
  }
  const answer = await loaded.process.predict(parsed.value.rows);
  const latencyMs = performance.now() - receivedAt;
  count(version, { isProbe, latencyMs: answer.kind === 'answered' ? latencyMs : null });
  if (answer.kind === 'busy') return busyReply(reply, answer);
  if (answer.kind === 'failed') return reply.code(500).send({ error: answer.message });
  if (!isProbe) {
    const records = recordsOf({ serving, model, version, id, request: parsed.value, answer, latencyMs });
    await serving.records?.predictions({ model, environment: serving.environment }, records);
  }
  return reply.send(responseOf({ model, version, id, answer }));
}

/** The version that the request names, else the one that its unit is assigned to. */
function chooseVersion(
  versions: readonly RoutedVersion[],
  { request, id }: { request: ModelRequest; id: string },
): RoutedVersion | null {
  const { headers, params } = request;
  const isNamed = headers[VERSION_HEADER] !== undefined || params.version !== undefined;
  if (isNamed) return versions[0] ?? null;
  const unit = headers[UNIT_HEADER];
  return assign(versions, { model: params.name, id: typeof unit === 'string' ? unit : id });
}

/** A body that another version takes and this one does not is the version's fault and not the client's. */
function isTakenByOther(versions: readonly RoutedVersion[], version: RoutedVersion, body: unknown): boolean {
  return versions.some(
    (other) =>
      other !== version &&
      other.weight > 0 &&
      other.loaded !== null &&
      parseInferRequest(body, other.loaded.bundle.signature).kind === 'accepted',
  );
}

/** `latencyMs` null = a sound request that was not answered: an error. */
function count(
  version: RoutedVersion,
  { isProbe, latencyMs }: { isProbe: boolean; latencyMs: number | null },
): void {
  if (isProbe) return;
  for (const counts of [version.window, version.loaded?.total]) {
    if (counts === undefined) continue;
    counts.requests += 1;
    if (latencyMs === null) counts.errors += 1;
    else counts.latency.record(latencyMs);
  }
}

/** The id is needed for the assignment, before the body is checked against the version's signature. */
function requestIdOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('id' in body)) return null;
  return typeof body.id === 'string' ? body.id : null;
}

type Answered = {
  version: RoutedVersion;
  model: string;
  id: string;
  answer: Extract<Answer, { kind: 'answered' }>;
};

function recordsOf(
  input: Answered & { serving: Serving; request: InferRequest; latencyMs: number },
): PredictionRecord[] {
  const { serving, model, version, id, request, answer, latencyMs } = input;
  const now = new Date().toISOString();
  const classes = version.loaded?.bundle.signature.classes ?? null;
  return request.rows.map((inputs, row) => ({
    id: `${id}:${row}`,
    model,
    environment: serving.environment,
    version: version.version,
    event_time: request.eventTime ?? now,
    logged_at: now,
    inputs,
    prediction: answer.rows[row] ?? [],
    ...(classes === null ? {} : { classes }),
    latency_ms: Math.round(latencyMs * 1000) / 1000,
  }));
}

function responseOf({ model, version, id, answer }: Answered) {
  const output = version.loaded?.bundle.signature.outputs[0];
  return {
    model_name: model,
    model_version: version.version,
    id,
    outputs: [
      {
        name: output?.name ?? 'prediction',
        datatype: 'FP32',
        shape: [answer.rows.length, answer.rows[0]?.length ?? 0],
        data: answer.rows.flat(),
      },
    ],
    parameters: { candidate: version.candidate },
  };
}
