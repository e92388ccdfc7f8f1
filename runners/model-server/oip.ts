import { randomUUID } from 'node:crypto';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type FeedbackRecord, feedbackRecordSchema, type PredictionRecord } from '#lib/lifecycle/serving.ts';
import { assign } from './assignment.ts';
import { type InferRequest, parseInferRequest } from './infer-request.ts';
import { renderMetrics } from './metrics.ts';
import type { Answer } from './model-process.ts';
import type { RoutedVersion, Serving } from './served-model.ts';

/** Pins a version; such a request is a probe: neither logged nor counted. */
const VERSION_HEADER = 'x-roundhouse-version';
/** The user or entity whose requests stay with one version; else each request is a unit of its own. */
const UNIT_HEADER = 'x-roundhouse-unit';
const feedbackSchema = z.strictObject({
  items: z
    .array(
      z.strictObject({
        id: z.string().min(1).max(300),
        label: feedbackRecordSchema.shape.label,
        event_time: feedbackRecordSchema.shape.event_time.optional(),
      }),
    )
    .min(1)
    .max(10_000),
});

type Params = { Params: { name: string; version?: string } };

/** The Open Inference Protocol v2 (JSON over HTTP), with feedback and metrics beside it. Errors are {error}. */
export function registerOip(app: FastifyInstance, serving: Serving): void {
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    return reply.code(status).send({ error: status < 500 ? error.message : 'the server failed' });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `there is no ${request.method} ${request.url.slice(0, 200)}` }),
  );

  app.get('/v2', () => ({ name: 'roundhouse', version: '2', extensions: ['feedback', 'metrics'] }));
  app.get('/v2/health/live', () => ({ live: true }));
  app.get('/v2/health/ready', (_request, reply) => {
    const models = [...serving.models.values()];
    const ready = models.length > 0 && models.every(isServed);
    return reply.code(ready ? 200 : 503).send({ ready });
  });
  app.get('/metrics', (_request, reply) =>
    reply.type('text/plain; version=0.0.4').send(renderMetrics(serving)),
  );

  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<Params>(path, (request, reply) => metadata(serving, request, reply));
    app.get<Params>(`${path}/ready`, (request, reply) => readiness(serving, request, reply));
    app.post<Params>(`${path}/infer`, (request, reply) => infer(serving, request, reply));
  }
  app.post<Params>('/v2/models/:name/feedback', (request, reply) => feedback(serving, request, reply));
}

function isServed(versions: readonly RoutedVersion[]): boolean {
  return (
    versions.some((version) => version.weight > 0) &&
    versions.every((version) => version.weight === 0 || isReady(version))
  );
}

function isReady(version: RoutedVersion): boolean {
  return version.loaded?.process.isReady() ?? false;
}

/** The versions that a request is about: all of the model, or the one it names; null = answered with 404. */
function versionsOf(
  serving: Serving,
  request: FastifyRequest<Params>,
  reply: FastifyReply,
): readonly RoutedVersion[] | null {
  const { name, version } = request.params;
  const versions = serving.models.get(name);
  if (versions === undefined) {
    reply.code(404).send({ error: `model "${name}" is not served here` });
    return null;
  }
  const pinned = version ?? request.headers[VERSION_HEADER];
  if (pinned === undefined) return versions;
  const named = versions.filter((candidate) => candidate.version === pinned);
  if (named.length > 0) return named;
  reply.code(404).send({ error: `version ${JSON.stringify(pinned)} of model "${name}" is not served here` });
  return null;
}

/** Metadata of the version that answers most, with all served versions. */
function metadata(serving: Serving, request: FastifyRequest<Params>, reply: FastifyReply) {
  const versions = versionsOf(serving, request, reply);
  if (versions === null) return reply;
  const [main] = versions.toSorted((a, b) => b.weight - a.weight);
  const bundle = main?.loaded?.bundle;
  if (main === undefined || bundle === undefined)
    return busyReply(reply, { message: 'the model is not loaded', retryAfter: 1 });
  return reply.send({
    name: request.params.name,
    versions: versions.map(({ version }) => version),
    platform: 'onnx',
    inputs: bundle.signature.inputs,
    outputs: bundle.signature.outputs,
    parameters: {
      version: main.version,
      candidate: main.candidate,
      bundle: main.bundle,
      model: main.model,
      classes: bundle.signature.classes,
      weights: Object.fromEntries(versions.map(({ version, weight }) => [version, weight])),
    },
  });
}

function readiness(serving: Serving, request: FastifyRequest<Params>, reply: FastifyReply) {
  const versions = versionsOf(serving, request, reply);
  if (versions === null) return reply;
  const ready = request.params.version === undefined ? isServed(versions) : versions.every(isReady);
  return reply.code(ready ? 200 : 503).send({ name: request.params.name, ready });
}

async function infer(serving: Serving, request: FastifyRequest<Params>, reply: FastifyReply) {
  const receivedAt = performance.now();
  const versions = versionsOf(serving, request, reply);
  if (versions === null) return reply;
  const isProbe = request.headers[VERSION_HEADER] !== undefined;
  const isPinned = isProbe || request.params.version !== undefined;
  const id = requestIdOf(request.body) ?? randomUUID();
  const unit = request.headers[UNIT_HEADER];
  const model = request.params.name;
  const version = isPinned
    ? versions[0]
    : assign(versions, { model, id: typeof unit === 'string' ? unit : id });
  if (!version?.loaded) {
    if (version) countFailure(version, isProbe);
    return busyReply(reply, { message: `no version of model "${model}" takes requests now`, retryAfter: 1 });
  }
  const { bundle, process } = version.loaded;
  const parsed = parseInferRequest(request.body, bundle.signature);
  if (parsed.kind === 'refused') {
    if (isTakenByOther(versions, version, request.body)) countFailure(version, isProbe);
    return reply.code(400).send({ error: parsed.message });
  }
  const answer = await process.predict(parsed.value.rows);
  const latencyMs = performance.now() - receivedAt;
  count(version, { isProbe, isError: answer.kind !== 'answered', latencyMs });
  if (answer.kind === 'busy') return busyReply(reply, answer);
  if (answer.kind === 'failed') return reply.code(500).send({ error: answer.message });
  if (!isProbe) {
    const records = recordsOf({ serving, model, version, id, request: parsed.value, answer, latencyMs });
    await serving.records?.predictions({ model, environment: serving.environment }, records);
  }
  return reply.send(responseOf({ model, version, id, answer }));
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

function countFailure(version: RoutedVersion, isProbe: boolean): void {
  count(version, { isProbe, isError: true, latencyMs: null });
}

function count(
  version: RoutedVersion,
  { isProbe, isError, latencyMs }: { isProbe: boolean; isError: boolean; latencyMs: number | null },
): void {
  if (isProbe) return;
  for (const counts of [version.window, version.loaded?.total]) {
    if (counts === undefined) continue;
    counts.requests += 1;
    if (isError) counts.errors += 1;
    if (latencyMs !== null) counts.latency.record(latencyMs);
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
  return request.rows.map((inputs, row) => ({
    id: `${id}:${row}`,
    model,
    environment: serving.environment,
    version: version.version,
    event_time: request.eventTime ?? now,
    logged_at: now,
    inputs,
    prediction: answer.rows[row] ?? [],
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

async function feedback(serving: Serving, request: FastifyRequest<Params>, reply: FastifyReply) {
  const { name } = request.params;
  if (!serving.models.has(name)) return reply.code(404).send({ error: `model "${name}" is not served here` });
  const parsed = feedbackSchema.safeParse(request.body);
  if (!parsed.success) return reply.code(400).send({ error: z.prettifyError(parsed.error).slice(0, 1000) });
  if (serving.records === null)
    return reply.code(501).send({ error: 'this server keeps no log: start it with one' });
  const now = new Date().toISOString();
  const records = parsed.data.items.map(
    ({ id, label, event_time }): FeedbackRecord => ({
      id,
      label,
      event_time: event_time === undefined ? now : new Date(event_time).toISOString(),
      logged_at: now,
    }),
  );
  const isWritten = await serving.records.feedback(
    { model: name, environment: serving.environment },
    records,
  );
  if (!isWritten) return busyReply(reply, { message: 'the labels could not be written', retryAfter: 5 });
  return reply.send({ accepted: records.length });
}

function busyReply(reply: FastifyReply, { message, retryAfter }: { message: string; retryAfter: number }) {
  return reply.code(503).header('retry-after', retryAfter).send({ error: message });
}
