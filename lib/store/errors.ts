import type { Digest } from '../lifecycle/scalars.ts';

/** The store has no such object: it was never put, was collected, or another store is configured. */
export class MissingObject extends Error {
  readonly digest: Digest;

  constructor(digest: Digest, where: string) {
    super(
      `${digest} is not in ${where}: check that the store is the one it was put into, or run the stage that makes it again`,
    );
    this.name = 'MissingObject';
    this.digest = digest;
  }
}

/** Bytes that do not have the digest they are known by. They are never handed out. */
export class CorruptObject extends Error {
  readonly digest: Digest;
  readonly actual: Digest;

  constructor({ digest, actual, where }: { digest: Digest; actual: Digest; where: string }) {
    super(
      `${where} should be ${digest} but has ${actual}: its bytes were changed after they were written; remove it and run the stage that makes it again`,
    );
    this.name = 'CorruptObject';
    this.digest = digest;
    this.actual = actual;
  }
}
