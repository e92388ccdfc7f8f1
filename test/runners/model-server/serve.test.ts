import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type ServerOptions, startServer } from '../../../runners/model-server/serve.ts';
import { infer, makePlace, type Place } from './harness.ts';
import { bodyOf, putTinyBundle } from './tiny-model.ts';

let place: Place;
let options: ServerOptions;
let bundle: Awaited<ReturnType<typeof putTinyBundle>>;

beforeEach(async () => {
  place = makePlace();
  bundle = await putTinyBundle(place.store, { version: '1.0.0', slope: 2 });
  options = { bundle: bundle.bundle, port: 0, store: place.storeUrl, logs: null, log: () => {} };
});
afterEach(() => place.remove());

async function writeFolder(): Promise<string> {
  const dir = join(place.root, 'bundle');
  mkdirSync(dir);
  writeFileSync(join(dir, 'manifest.json'), await place.store.get(bundle.bundle));
  for (const [name, digest] of Object.entries(bundle.files))
    writeFileSync(join(dir, name), await place.store.get(digest));
  return dir;
}

it.each(['digest', 'folder'])('serves one bundle by its %s', async (kind) => {
  const server = await startServer({
    ...options,
    bundle: kind === 'digest' ? bundle.bundle : await writeFolder(),
  });
  expect((await infer(server.url, bodyOf([{ x: 4, city: 'b' }]))).body.outputs[0].data).toEqual([18]);
  const { parameters } = (await (await fetch(`${server.url}/v2/models/bikes`)).json()) as {
    parameters: object;
  };
  expect(parameters).toMatchObject({ bundle: bundle.bundle, model: bundle.model, candidate: null });
  await server.close();
});

it('refuses changed bytes, a folder that is no bundle, a digest without a store', async () => {
  const dir = await writeFolder();
  writeFileSync(join(dir, 'model.onnx'), 'other bytes');
  await expect(startServer({ ...options, bundle: dir })).rejects.toThrow(/bytes were changed/);
  await expect(startServer({ ...options, bundle: place.root })).rejects.toThrow(UserError);
  await expect(startServer({ ...options, store: null })).rejects.toThrow(/no store is known/);
});
