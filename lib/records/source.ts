/**
 * Where records come from. The app's state branch is one, a checkout with branch `roundhouse` is another
 * (`actions/kit/checkout-records.ts`): what reads records takes this, so that `/why` on GitHub and
 * `roundhouse why` in a clone are one function.
 */
export type RecordSource = {
  /** The text at a path; null where nothing is there. */
  read(path: string): Promise<string | null>;
  /** All paths that begin with this, ordered as text. */
  paths(prefix: string): Promise<string[]>;
};

/** Tags of a repository whose names begin with `prefix`, with the text of their annotation; null = lightweight. */
export type TagSource = { list(prefix: string): Promise<{ name: string; message: string | null }[]> };
