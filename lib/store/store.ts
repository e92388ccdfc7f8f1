import type { Digest } from '../lifecycle/scalars.ts';

/**
 * The artifact store: bytes by sha256. What is read is verified; what is written is whole or absent.
 * `MissingObject` and `CorruptObject` (lib/store/errors.ts) name the digest.
 */
export type Store = {
  has(digest: Digest): Promise<boolean>;
  /** Reads and verifies. Throws MissingObject or CorruptObject. */
  get(digest: Digest): Promise<Uint8Array>;
  /** Copies the verified bytes to a fresh file (never a link) and returns its path. */
  getFile(digest: Digest, path: string): Promise<string>;
  put(bytes: Uint8Array | string): Promise<Digest>;
  putFile(path: string): Promise<Digest>;
};

/**
 * The quarantine of one untrusted run: `incoming/<run>-<attempt>/<name>`. Names are relative paths of plain
 * segments. A trusted job re-hashes and moves what evidence names.
 */
export type Incoming = {
  put(name: string, bytes: Uint8Array | string): Promise<Digest>;
  putFile(name: string, path: string): Promise<Digest>;
  /** Reads and verifies against the digest that evidence names. */
  get(name: string, digest: Digest): Promise<Uint8Array>;
  getFile(name: string, digest: Digest, path: string): Promise<string>;
  /** Bytes of a name whose digest nobody has told yet: untrusted. */
  read(name: string): Promise<Uint8Array>;
  /** Re-hashes the bytes and moves them into the store. Idempotent: an object that is there already is enough. */
  accept(name: string, digest: Digest): Promise<void>;
};

export type ArtifactStore = Store & { incoming(run: string): Incoming };
