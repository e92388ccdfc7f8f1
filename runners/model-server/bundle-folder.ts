import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '#lib/formats/digest.ts';
import { bundleSchema } from '#lib/lifecycle/bundle.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { CorruptObject, MissingObject } from '#lib/store/errors.ts';
import type { Store } from '#lib/store/store.ts';

/** A bundle in a folder (`manifest.json` beside its files) as a store of just these objects. */
export async function openBundleFolder(dir: string): Promise<{ digest: Digest; store: Pick<Store, 'get'> }> {
  const path = join(dir, 'manifest.json');
  const fix = 'give a folder with manifest.json beside the files of a bundle, or a digest in the store';
  const bytes = await readFile(path).catch((cause) => {
    throw new UserError(`${path} can't be read`, { fix, cause });
  });
  const digest = digestOf(bytes);
  const paths = new Map<Digest, string>([[digest, path]]);
  for (const file of filesOf(bytes, { path, fix })) paths.set(file.digest, join(dir, file.name));

  async function get(wanted: Digest): Promise<Uint8Array> {
    const from = paths.get(wanted);
    const found = from === undefined ? null : await readFile(from).catch(() => null);
    if (from === undefined || found === null) throw new MissingObject(wanted, dir);
    const actual = digestOf(found);
    if (actual !== wanted) throw new CorruptObject({ digest: wanted, actual, where: from });
    return found;
  }
  return { digest, store: { get } };
}

function filesOf(bytes: Buffer, { path, fix }: { path: string; fix: string }) {
  try {
    return bundleSchema.parse(JSON.parse(bytes.toString('utf8'))).files;
  } catch (cause) {
    throw new UserError(`${path} is not the manifest of a bundle`, { fix, cause });
  }
}
