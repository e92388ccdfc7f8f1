import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Signature, TensorSpec } from '../lifecycle/bundle.ts';
import { UserError } from '../lifecycle/user-error.ts';
import { checkedModel } from './model-check.ts';
import type { Feed, Prediction } from './predictor-types.ts';
import type { Reply, Request } from './predictor-wire.ts';

type Runtime = typeof import('onnxruntime-node');
type Loaded = { ort: Runtime; session: InferenceSession; signature: Signature };

const ELEMENT = { FP32: 'float32', INT64: 'int64', BYTES: 'string' } as const;

let loaded: Promise<Loaded> | null = null;

process.on('message', (request: Request) => void answer(request));
process.on('disconnect', () => process.exit(0));

async function answer(request: Request): Promise<void> {
  const { id } = request;
  try {
    process.send?.((await respond(request)) satisfies Reply);
  } catch (error) {
    const fix = error instanceof UserError ? error.fix : null;
    process.send?.({ id, kind: 'failed', message: messageOf(error), fix } satisfies Reply);
  }
}

async function respond(request: Request): Promise<Reply> {
  const { id } = request;
  if (request.kind === 'predict') {
    if (loaded === null) throw new Error('no model was loaded');
    return { id, kind: 'predicted', prediction: await predict(await loaded, request.feed, request.rows) };
  }
  loaded = load(request);
  await loaded;
  return { id, kind: 'loaded' };
}

async function load({ model, signature, threads }: Extract<Request, { kind: 'load' }>): Promise<Loaded> {
  const checked = checkedModel(model);
  const ort = await import('onnxruntime-node');
  const session = await openSession(ort, checked, threads);
  const faults = [
    ...signatureFaults('input', signature.inputs, session.inputMetadata),
    ...signatureFaults('output', signature.outputs, session.outputMetadata),
  ];
  if (faults.length === 0) return { ort, session, signature };
  throw new UserError(`the model does not fit its signature: ${faults.join('; ')}`, {
    fix: 'export model and signature together',
  });
}

async function openSession(ort: Runtime, model: Uint8Array, threads: number): Promise<InferenceSession> {
  try {
    return await ort.InferenceSession.create(model, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    });
  } catch (cause) {
    throw new UserError(`the model can't be loaded: ${messageOf(cause)}`, {
      fix: 'check it with the checker of the exporter',
      cause,
    });
  }
}

function signatureFaults(
  role: string,
  wanted: readonly TensorSpec[],
  found: readonly InferenceSession.ValueMetadata[],
): string[] {
  const missing = wanted.flatMap(({ name, datatype }) => {
    const actual = found.find((value) => value.name === name);
    if (actual === undefined) return [`it has no ${role} "${name}"`];
    const type = actual.isTensor ? actual.type : 'no tensor';
    return type === ELEMENT[datatype] ? [] : [`${role} "${name}" is ${type} and not ${ELEMENT[datatype]}`];
  });
  const names = new Set(wanted.map(({ name }) => name));
  const extra = role === 'input' ? found.filter(({ name }) => !names.has(name)) : [];
  return [...missing, ...extra.map(({ name }) => `it asks for the further input "${name}"`)];
}

async function predict({ ort, session, signature }: Loaded, feed: Feed, rows: number): Promise<Prediction> {
  const tensors = signature.inputs.map(({ name, datatype }): [string, Tensor] => {
    const values = feed[name];
    if (values?.length !== rows)
      throw new Error(`input "${name}" has ${values?.length ?? 0} values for ${rows} rows`);
    return [name, new ort.Tensor(ELEMENT[datatype], values, [rows, 1])];
  });
  const output = signature.outputs[0]?.name ?? '';
  const answer = (await session.run(Object.fromEntries(tensors), [output]))[output];
  if (!(answer?.data instanceof Float32Array)) throw new Error(`output "${output}" is not float32`);
  if (answer.dims[0] !== rows) throw new Error(`output "${output}" has ${answer.dims[0]} rows, not ${rows}`);
  const width = rows === 0 ? 0 : answer.data.length / rows;
  const said = signature.outputs[0]?.shape[1] ?? -1;
  if (rows > 0 && said > 0 && width !== said) {
    throw new UserError(
      `output "${output}" has ${width} values for each row, and the signature says ${said}`,
      {
        fix: 'export model and signature together',
      },
    );
  }
  return { values: answer.data, width };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
