import { setTimeout as delay } from 'node:timers/promises';
import type { TensorSpec } from '#lib/lifecycle/bundle.ts';
import { compareGolden, type GoldenReplay } from '#lib/lifecycle/golden.ts';
import { type ServingSpec, type ServingState, servingStateSchema } from '#lib/lifecycle/serving.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { LoadedBundle } from '#lib/store/bundle.ts';

/** The control interface of a supervisor, as a deploy job needs it. */
export type Target = {
  state(): Promise<ServingState | null>;
  /** All or nothing; a refusal leaves what serves as it is. */
  serve(
    versions: ServingSpec['versions'],
  ): Promise<{ kind: 'serving'; state: ServingState } | { kind: 'refused'; message: string }>;
  /** The golden rows through the router, pinned to one version: neither logged nor counted. */
  replay(input: { url: string; version: string; bundle: LoadedBundle }): Promise<GoldenReplay>;
};

/** Loading models takes its time; nothing here may take for ever. */
const TIMEOUT_MS = 120_000;
/** A router that is busy is asked again a second later. */
const BUSY_TRIES = 5;

export function openTarget({
  url,
  token,
  model,
  environment,
  fetch,
}: {
  url: string;
  token: string;
  model: string;
  environment: string;
  fetch: typeof globalThis.fetch;
}): Target {
  const address = new URL(
    `v1/environments/${environment}/models/${model}`,
    url.endsWith('/') ? url : `${url}/`,
  );
  const reach = async (to: URL | string, init: RequestInit): Promise<Response> => {
    try {
      return await fetch(to, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (cause) {
      throw new UserError(`${to} can't be reached`, {
        fix: 'start the supervisor (roundhouse supervisor), or correct environments[].target.url in .github/roundhouse.yml',
        cause,
      });
    }
  };
  const control = async (init: RequestInit): Promise<Response> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await reach(address, { ...init, headers });
    if (response.status === 401 || response.status === 403)
      throw new UserError(`the supervisor at ${url} refuses the token`, {
        fix: 'set ROUNDHOUSE_SUPERVISOR_TOKEN of the deploy job to the token that the supervisor was started with',
      });
    return response;
  };

  return {
    async state() {
      const response = await control({ method: 'GET' });
      if (response.status === 404) return null;
      return servingStateSchema.parse(await bodyOf(response, 200));
    },
    async serve(versions) {
      const spec: ServingSpec = { model, environment, versions };
      const response = await control({ method: 'PUT', body: JSON.stringify(spec) });
      if (response.status === 409 || response.status === 422)
        return { kind: 'refused', message: await messageOf(response) };
      return { kind: 'serving', state: servingStateSchema.parse(await bodyOf(response, 200)) };
    },
    async replay({ url: router, version, bundle }) {
      const ask = () =>
        reach(`${router}/v2/models/${model}/infer`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-roundhouse-version': version },
          body: JSON.stringify({ id: 'golden', inputs: inputsOf(bundle) }),
        });
      let response = await ask();
      for (let tries = 1; tries < BUSY_TRIES && isBusy(response); tries += 1) {
        await response.body?.cancel();
        await delay(1000);
        response = await ask();
      }
      if (isBusy(response)) return { kind: 'unknown', message: await messageOf(response) };
      if (response.status !== 200)
        return { kind: 'differs', message: `answered ${response.status}: ${await messageOf(response)}` };
      return compareGolden(bundle.golden, rowsOf(await response.json()));
    },
  };
}

function isBusy({ status }: Response): boolean {
  return status === 503 || status === 429;
}

/** Golden rows as tensors of the Open Inference Protocol. */
function inputsOf({ signature, golden }: LoadedBundle) {
  return signature.inputs.map(({ name, datatype }: TensorSpec) => ({
    name,
    datatype,
    shape: [golden.rows.length, 1],
    data: golden.rows.map((row) => row[name] ?? null),
  }));
}

function rowsOf(body: unknown): number[][] {
  const [output] = (body as { outputs?: { shape: [number, number]; data: number[] }[] }).outputs ?? [];
  if (output === undefined) return [];
  const [rows, width] = output.shape;
  return Array.from({ length: rows }, (_, row) => output.data.slice(row * width, (row + 1) * width));
}

async function bodyOf(response: Response, wanted: number): Promise<unknown> {
  if (response.status === wanted) return response.json();
  throw new Error(`${response.url} answered ${response.status}: ${await messageOf(response)}`);
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as { message?: string; error?: string };
    return body.message ?? body.error ?? text.slice(0, 500);
  } catch {
    return text.slice(0, 500);
  }
}
