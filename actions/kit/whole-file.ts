import { rename, writeFile } from 'node:fs/promises';
import { UserError } from '#lib/lifecycle/user-error.ts';

/** Writes a file that somebody named, whole or not at all. `what` is for the error: "the badge". */
export async function writeWhole(path: string, text: string, what: string): Promise<void> {
  try {
    await writeFile(`${path}.tmp`, text);
    await rename(`${path}.tmp`, path);
  } catch (cause) {
    throw new UserError(`${what} can't be written to ${path}`, {
      fix: 'name a file in a folder that is there',
      cause,
    });
  }
}
