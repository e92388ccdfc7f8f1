import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { type FeedbackRecord, feedbackRecordSchema } from '#lib/lifecycle/serving.ts';
import { infer } from './infer.ts';
import { renderMetrics } from './metrics.ts';
import { isReady, type RoutedVersion, type Serving } from './served-model.ts';
import { busyReply, type ModelRequest, type Params, versionsOf } from './versions-of.ts';

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

/** Metadata of the version that answers most, with all served versions. */
function metadata(serving: Serving, request: ModelRequest, reply: FastifyReply) {
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

function readiness(serving: Serving, request: ModelRequest, reply: FastifyReply) {
  const versions = versionsOf(serving, request, reply);
  if (versions === null) return reply;
  const ready = request.params.version === undefined ? isServed(versions) : versions.every(isReady);
  return reply.code(ready ? 200 : 503).send({ name: request.params.name, ready });
}

async function feedback(serving: Serving, request: ModelRequest, reply: FastifyReply) {
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
