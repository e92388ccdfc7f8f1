import type { z } from 'zod';
import { digestOf } from '../formats/digest.ts';
import {
  type Bundle,
  bundleSchema,
  type Golden,
  goldenSchema,
  type Signature,
  signatureSchema,
} from '../lifecycle/bundle.ts';
import type { Digest } from '../lifecycle/scalars.ts';
import { CorruptObject, MissingObject } from './errors.ts';
import type { Store } from './store.ts';

/** A bundle whose every byte has been verified. */
export type LoadedBundle = {
  digest: Digest;
  manifest: Bundle;
  /** Bytes of model.onnx and their digest. */
  model: Uint8Array;
  modelDigest: Digest;
  signature: Signature;
  golden: Golden;
};
export type BundleLoad = { kind: 'loaded'; bundle: LoadedBundle } | { kind: 'refused'; message: string };

/**
 * Reads a bundle by the digest of its manifest and verifies every file. `model` is the approved digest of
 * model.onnx: a bundle with other bytes is refused. Wrong, missing or changed bytes are a refusal; a store
 * that can't be read is an error.
 */
export async function loadBundle({
  store,
  digest,
  model,
}: {
  store: Pick<Store, 'get'>;
  digest: Digest;
  model: Digest | null;
}): Promise<BundleLoad> {
  try {
    const manifest = parseJson(bundleSchema, await store.get(digest), 'the manifest');
    const files = new Map<string, Uint8Array>();
    for (const file of manifest.files) files.set(file.name, await store.get(file.digest));
    const onnx = fileOf(files, 'model.onnx');
    const modelDigest = digestOf(onnx);
    if (model !== null && modelDigest !== model)
      throw new Refusal(`model.onnx is ${modelDigest}, but ${model} was approved`);
    const signature = parseJson(signatureSchema, fileOf(files, 'signature.json'), 'signature.json');
    const golden = parseJson(goldenSchema, fileOf(files, 'golden.json'), 'golden.json');
    return { kind: 'loaded', bundle: { digest, manifest, model: onnx, modelDigest, signature, golden } };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { kind: 'refused', message: `bundle ${digest}: ${error.message}` };
  }
}

/** Ends a load early; never leaves this file. */
class Refusal extends Error {}

function isRefusal(error: unknown): error is Error {
  return error instanceof Refusal || error instanceof MissingObject || error instanceof CorruptObject;
}

function fileOf(files: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes === undefined) throw new Refusal(`it has no ${name}`);
  return bytes;
}

function parseJson<Schema extends z.ZodType>(
  schema: Schema,
  bytes: Uint8Array,
  what: string,
): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new Refusal(`${what} is not JSON`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Refusal(`${what}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not valid'}`);
}
