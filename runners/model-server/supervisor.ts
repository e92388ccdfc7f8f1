import { timingSafeEqual } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { FastifyError, FastifyInstance } from 'fastify';
import { z } from 'zod';
import { digestOf } from '#lib/formats/digest.ts';
import { environmentNameSchema } from '#lib/lifecycle/scalars.ts';
import { type ServingSpec, servingSpecSchema } from '#lib/lifecycle/serving.ts';
import { startPredictor } from '#lib/ml/predictor.ts';
import { removeDrafts } from '#lib/store/durable-file.ts';
import type { Store } from '#lib/store/store.ts';
import { type Environment, openEnvironment } from './environment.ts';
import { openRecordLog } from './record-log.ts';
import type { PersistedVersion } from './routed-version.ts';
import { createHttp, listen } from './router.ts';
import { readState, type SupervisorState, writeState } from './supervisor-state.ts';

export type SupervisorOptions = {
  dir: string;
  /** Of the control interface; 0 = the port it had before, or any. */
  port: number;
  /** Bearer token of the control interface. */
  token: string;
  store: Pick<Store, 'get'>;
  /** Root of the prediction log; null = nothing is logged. */
  logs: string | null;
  log: (line: string) => void;
  host?: string;
  /** Environments that get their router at once, so that its address is known before the first deployment. */
  environments?: readonly string[];
};
export type Supervisor = { url: string; close(): Promise<void> };

/**
 * Owns the model servers of this machine: one router per environment, the weights between versions, the
 * prediction log. What it was told last is written down before it counts, and served again after any end.
 */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { dir, token, log, logs, host = '127.0.0.1' } = options;
  await mkdir(dir, { recursive: true });
  const former = await readState(dir);
  const records = logs === null ? null : openRecordLog({ root: logs, log });
  const environments = new Map<string, Environment>();
  let port = options.port || former.port;

  async function environmentOf(name: string): Promise<Environment> {
    const known = environments.get(name);
    if (known !== undefined) return known;
    const { port = 0, models = {} } = former.environments[name] ?? {};
    const start = startPredictor;
    const opened = await openEnvironment({
      name,
      host,
      port,
      store: options.store,
      records,
      start,
      log,
      restored: models,
    });
    environments.set(name, opened);
    return opened;
  }

  function stateWith(changed?: {
    environment: string;
    model: string;
    versions: PersistedVersion[];
  }): SupervisorState {
    const entries = [...environments.values()].map((environment) => {
      const models = environment.persisted();
      if (changed?.environment === environment.name) models[changed.model] = changed.versions;
      return [environment.name, { port: environment.port, models }] as const;
    });
    return { kind: 'roundhouse-supervisor', version: 1, port, environments: Object.fromEntries(entries) };
  }

  /** One change after the other: the last one told is the one that stands. */
  let turn: Promise<unknown> = Promise.resolve();
  function apply(spec: ServingSpec): Promise<{ refused: string } | null> {
    const result = turn.then(async () => {
      const environment = await environmentOf(spec.environment);
      return environment.serve(spec, (versions) =>
        writeState(dir, stateWith({ environment: spec.environment, model: spec.model, versions })),
      );
    });
    turn = result.catch(() => {});
    return result;
  }

  const names = new Set([...Object.keys(former.environments), ...(options.environments ?? [])]);
  await Promise.all([...names].map((name) => environmentOf(environmentNameSchema.parse(name))));
  await removeDrafts(dir);
  const control = createHttp();
  registerControl(control, { token, environments, apply });
  const { url, port: given } = await listen(control, { port, host });
  port = given;
  await writeState(dir, stateWith());

  return {
    url,
    async close() {
      await control.close();
      await turn;
      await Promise.all([...environments.values()].map((environment) => environment.close()));
      await records?.close();
    },
  };
}

type Control = {
  token: string;
  environments: ReadonlyMap<string, Environment>;
  apply(spec: ServingSpec): Promise<{ refused: string } | null>;
};
type Params = { Params: { environment: string; model: string } };

/** The control interface of lib/lifecycle/serving.ts. Errors are {message}. */
function registerControl(app: FastifyInstance, { token, environments, apply }: Control): void {
  app.addHook('onRequest', async (request, reply) => {
    if (isToken(request.headers.authorization, token)) return;
    return reply.code(401).send({ message: 'the bearer token of this supervisor is required' });
  });
  app.setErrorHandler((error: FastifyError, _request, reply) =>
    reply.code(error.statusCode ?? 500).send({ message: error.message }),
  );

  app.get('/v1/environments', () => ({
    environments: [...environments.values()].map(({ name, url }) => ({ name, url })),
  }));

  const path = '/v1/environments/:environment/models/:model';
  app.get<Params>(path, (request, reply) => {
    const { environment, model } = request.params;
    const state = environments.get(environment)?.state(model);
    if (state) return reply.send(state);
    return reply
      .code(404)
      .send({ message: `model "${model}" is not served in environment "${environment}"` });
  });

  app.put<Params>(path, async (request, reply) => {
    const parsed = servingSpecSchema.safeParse(request.body);
    if (!parsed.success) return reply.code(422).send({ message: z.prettifyError(parsed.error) });
    const spec = parsed.data;
    const { environment, model } = request.params;
    if (spec.environment !== environment || spec.model !== model)
      return reply.code(409).send({
        message: `the body is about ${spec.model} in ${spec.environment}, the address about ${model} in ${environment}`,
      });
    const fault = faultOf(spec);
    if (fault !== null) return reply.code(422).send({ message: fault });
    const result = await apply(spec);
    if (result !== null) return reply.code(422).send({ message: result.refused });
    return reply.send(environments.get(environment)?.state(model));
  });
}

/** All weights 0 = loaded, but no traffic yet: how a first version is staged. */
function faultOf({ versions }: ServingSpec): string | null {
  const sum = versions.reduce((total, { weight }) => total + weight, 0);
  if (sum !== 100 && sum !== 0) return `the weights add up to ${sum}: they must add up to 100, or all be 0`;
  const names = new Set(versions.map(({ version }) => version));
  return names.size === versions.length ? null : 'a version is there twice';
}

function isToken(header: string | undefined, token: string): boolean {
  const given = digestOf(header ?? '');
  return timingSafeEqual(Buffer.from(given), Buffer.from(digestOf(`Bearer ${token}`)));
}
