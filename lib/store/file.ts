import { constants } from 'node:fs';
import { access, lstat, open, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { digestOf, hexOf } from '../formats/digest.ts';
import { type Digest, digestSchema } from '../lifecycle/scalars.ts';
import { type Draft, digestOfFile, draftFrom, draftOf, openRegular } from './durable-file.ts';
import { CorruptObject, MissingObject } from './errors.ts';
import type { ArtifactStore, Incoming } from './store.ts';

/**
 * A store in a folder: `<root>/sha256/<aa>/<hex>` and `<root>/incoming/<run>/<name>`. Several processes may
 * use it at once: every file appears whole by a rename, and an object's name fixes its bytes.
 */
export function openFileStore(root: string): ArtifactStore {
  const objects = join(root, 'sha256');
  const where = `the store ${root}`;

  function pathOf(digest: Digest): string {
    const hex = hexOf(digestSchema.parse(digest));
    return join(objects, hex.slice(0, 2), hex);
  }

  async function keep(draft: Draft): Promise<Digest> {
    await draft.keep(pathOf(draft.digest));
    return draft.digest;
  }

  return {
    async has(digest) {
      return exists(pathOf(digest));
    },
    async get(digest) {
      return readVerified({ path: pathOf(digest), digest, where });
    },
    async getFile(digest, path) {
      return copyVerified({ from: pathOf(digest), digest, to: path, where });
    },
    async put(bytes) {
      return keep(await draftOf(objects, Buffer.from(bytes)));
    },
    async putFile(path) {
      return keep(await draftOfFile(objects, path));
    },
    incoming: (run) => openIncoming({ root: join(root, 'incoming', checkName(run, 1)), objects, pathOf }),
  };
}

type Quarantine = { root: string; objects: string; pathOf(digest: Digest): string };

function openIncoming({ root, objects, pathOf }: Quarantine): Incoming {
  const where = `the quarantine ${root}`;

  async function pathIn(name: string): Promise<string> {
    const path = join(root, checkName(name, 8));
    await refuseLinks(dirname(root), dirname(path));
    const stat = await lstat(path).catch(() => null);
    if (stat?.isFile() && stat.nlink > 1) throw new Error(`${path} is a hard link to another file: refused`);
    return path;
  }

  return {
    async put(name, bytes) {
      const path = await pathIn(name);
      const draft = await draftOf(root, Buffer.from(bytes));
      await draft.keep(path);
      return draft.digest;
    },
    async putFile(name, source) {
      const path = await pathIn(name);
      const draft = await draftOfFile(root, source);
      await draft.keep(path);
      return draft.digest;
    },
    async get(name, digest) {
      return readVerified({ path: await pathIn(name), digest, where });
    },
    async getFile(name, digest, to) {
      return copyVerified({ from: await pathIn(name), digest, to, where });
    },
    async read(name) {
      const bytes = await readRegular(await pathIn(name));
      if (bytes === null)
        throw new Error(`${name} is not in ${where}: the job that writes it did not finish`);
      return bytes;
    },
    async accept(name, digest) {
      const path = await pathIn(name);
      const target = pathOf(digest);
      if (!(await isIntact(target, digest))) {
        const draft = await draftVerified({ folder: objects, from: path, digest, where });
        await draft.keep(target);
      }
      await rm(path, { force: true });
    },
  };
}

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$/;

/** Names come from untrusted statements: only plain segments, so that no name can leave its folder. */
function checkName(name: string, depth: number): string {
  const segments = name.split('/');
  if (segments.length <= depth && segments.every((segment) => SEGMENT.test(segment))) return name;
  throw new Error(
    `${JSON.stringify(name)} is not a path of at most ${depth} plain segments (letters, digits, ".", "_", "-")`,
  );
}

/** A link among the folders from `top` down to `folder` would lead out of the quarantine. */
async function refuseLinks(top: string, folder: string): Promise<void> {
  let path = top;
  for (const segment of ['', ...relative(top, folder).split('/')]) {
    path = join(path, segment);
    const stat = await lstat(path).catch(() => null);
    if (stat === null) return;
    if (!stat.isDirectory()) throw new Error(`${path} is not a plain folder: refused`);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

async function readRegular(path: string): Promise<Buffer | null> {
  const file = await openRegular(path);
  if (file === null) return null;
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

type Wanted = { digest: Digest; where: string };

async function readVerified({ path, digest, where }: Wanted & { path: string }): Promise<Uint8Array> {
  const bytes = await readRegular(path);
  if (bytes === null) throw new MissingObject(digest, where);
  const actual = digestOf(bytes);
  if (actual !== digest) throw new CorruptObject({ digest, actual, where: path });
  return bytes;
}

async function isIntact(path: string, digest: Digest): Promise<boolean> {
  const file = await openRegular(path);
  if (file === null) return false;
  try {
    return (await digestOfFile(file)) === digest;
  } finally {
    await file.close();
  }
}

async function draftVerified(wanted: Wanted & { folder: string; from: string }): Promise<Draft> {
  const { folder, from, digest, where } = wanted;
  const source = await openRegular(from);
  if (source === null) throw new MissingObject(digest, where);
  try {
    const draft = await draftFrom(folder, source);
    if (draft.digest === digest) return draft;
    await draft.discard();
    throw new CorruptObject({ digest, actual: draft.digest, where: from });
  } finally {
    await source.close();
  }
}

async function copyVerified(wanted: Wanted & { from: string; to: string }): Promise<string> {
  const draft = await draftVerified({ ...wanted, folder: dirname(wanted.to) });
  await draft.keep(wanted.to);
  return wanted.to;
}

/** A file of our own side (a Parquet just written, a file that a person names): links are followed. */
async function draftOfFile(folder: string, path: string): Promise<Draft> {
  const source = await open(path, 'r');
  try {
    return await draftFrom(folder, source);
  } finally {
    await source.close();
  }
}
