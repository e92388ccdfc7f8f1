import { spawn } from 'node:child_process';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { FileSource } from '#lib/records/lineage.ts';
import { UnreadableRecord } from '#lib/records/records.ts';
import type { RecordSource, TagSource } from '#lib/records/source.ts';
import { git } from './git.ts';

/** What a clone holds of the records: branch `roundhouse` as it was fetched last, and the tags. */
export type CheckoutRecords = RecordSource & {
  /** The ref that is read, such as `refs/remotes/origin/roundhouse`, and its commit. */
  ref: string;
  commit: string;
  tags: TagSource;
};

const REFS = ['refs/remotes/origin/roundhouse', 'refs/heads/roundhouse'];

/**
 * Opens the records of a clone for as long as `use` runs. No GitHub is asked: what was not fetched is not there.
 * UserError where the clone has no such branch.
 */
export async function withCheckoutRecords<Value>(
  workspace: string,
  use: (records: CheckoutRecords) => Promise<Value>,
): Promise<Value> {
  const { ref, commit } = (await findBranch(workspace)) ?? (await refuse(workspace));
  const blobs = await listBlobs(workspace, commit);
  const objects = openObjects(workspace);
  try {
    return await use({
      ref,
      commit,
      tags: checkoutTags(workspace),
      async read(path) {
        const blob = blobs.get(path);
        return blob === undefined ? null : objects.read(blob);
      },
      async paths(prefix) {
        return [...blobs.keys()].filter((path) => path.startsWith(prefix)).sort();
      },
    });
  } catch (error) {
    if (!(error instanceof UnreadableRecord)) throw error;
    throw new UserError(error.message, {
      fix: 'update Roundhouse; where no newer release wrote it, `roundhouse audit verify` says whether the branch was changed',
      cause: error.cause,
    });
  } finally {
    objects.close();
  }
}

/** Whether the clone has fetched any records: a repository without them is not set up, or new. */
export async function hasRecords(workspace: string): Promise<boolean> {
  return (await findBranch(workspace)) !== null;
}

/** Annotated tags as the clone has them. */
export function checkoutTags(workspace: string): TagSource {
  return {
    async list(prefix) {
      const format = '%(refname:strip=2)%00%(objecttype)%00%(contents)%00';
      const listed = (await git(workspace, 'for-each-ref', 'refs/tags', `--format=${format}`)) ?? '';
      const parts = listed.split('\0');
      const tags = Array.from({ length: Math.floor(parts.length / 3) }, (_, index) => ({
        name: parts[3 * index]?.trim() ?? '',
        // A lightweight tag has no text of its own: git would answer with its commit's.
        message: parts[3 * index + 1] === 'tag' ? (parts[3 * index + 2] ?? '') : null,
      }));
      return tags.filter(({ name }) => name.startsWith(prefix));
    },
  };
}

/** Files of any commit that the clone has. */
export function checkoutFiles(workspace: string): FileSource {
  return (commit, path) => git(workspace, 'show', `${commit}:${path}`);
}

/** Where a local branch and the fetched one differ, the one that contains the other is read. */
async function findBranch(workspace: string): Promise<{ ref: string; commit: string } | null> {
  const found: { ref: string; commit: string }[] = [];
  for (const ref of REFS) {
    const commit = await git(workspace, 'rev-parse', '--verify', '--quiet', `${ref}^{commit}`);
    if (commit !== null) found.push({ ref, commit: commit.trim() });
  }
  const [fetched, local] = found;
  if (fetched && local) {
    const isBehind = await git(workspace, 'merge-base', '--is-ancestor', fetched.commit, local.commit);
    return isBehind === null ? fetched : local;
  }
  return fetched ?? null;
}

async function refuse(workspace: string): Promise<never> {
  if ((await git(workspace, 'rev-parse', '--git-dir')) === null)
    throw new UserError(`${workspace} is no git repository`, {
      fix: 'run this in a clone of the repository',
    });
  throw new UserError('this clone has no branch `roundhouse`, where the records lie', {
    fix: 'git fetch origin roundhouse:refs/remotes/origin/roundhouse --tags (the app makes the branch with its first record)',
  });
}

async function listBlobs(workspace: string, commit: string): Promise<Map<string, string>> {
  const listed = (await git(workspace, 'ls-tree', '-r', '-z', commit)) ?? '';
  const lines = listed.split('\0').map((line) => /^\d+ blob ([0-9a-f]+)\t(.+)$/s.exec(line));
  return new Map(lines.flatMap((line) => (line ? [[line[2] ?? '', line[1] ?? ''] as const] : [])));
}

/** One `git cat-file --batch` for all objects that are asked for, answered in order. */
function openObjects(workspace: string) {
  const child = spawn('git', ['-C', workspace, 'cat-file', '--batch'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const answers = readAnswers(child.stdout);
  // A clone whose objects can't be read ends the process: the next answer says so.
  child.stdin.on('error', () => {});
  let last: Promise<unknown> = Promise.resolve();
  return {
    read(blob: string): Promise<string> {
      child.stdin.write(`${blob}\n`);
      const answer = last.then(async () => {
        const { value } = await answers.next();
        if (typeof value !== 'string') throw new Error(`git does not give the object ${blob}`);
        return value;
      });
      last = answer.catch(() => {});
      return answer;
    },
    close(): void {
      child.stdin.end();
      child.stdout.destroy();
    },
  };
}

/** The contents in order: `<id> blob <size>`, a line end, the bytes, a line end. Null = missing. */
async function* readAnswers(stream: AsyncIterable<Buffer>): AsyncGenerator<string | null> {
  let rest: Buffer = Buffer.alloc(0);
  let wanted: number | null = null;
  for await (const chunk of stream) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      if (wanted === null) {
        const end = rest.indexOf(0x0a);
        if (end < 0) break;
        const size = /^[0-9a-f]+ blob (\d+)$/.exec(rest.toString('utf8', 0, end))?.[1];
        rest = rest.subarray(end + 1);
        if (size === undefined) yield null;
        else wanted = Number(size);
        continue;
      }
      if (rest.length <= wanted) break;
      yield rest.toString('utf8', 0, wanted);
      rest = rest.subarray(wanted + 1);
      wanted = null;
    }
  }
}
