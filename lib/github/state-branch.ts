import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditKey } from '#lib/formats/audit-key.ts';
import { parseAuditHead } from '#lib/formats/audit-log.ts';
import type { AuditEvent, AuditHead } from '#lib/lifecycle/audit.ts';
import { HEAD_FILE } from '#lib/lifecycle/audit-check.ts';
import { auditChanges } from './audit-branch.ts';
import type { Trees } from './trees.ts';

export const STATE_BRANCH = 'roundhouse';
const REF = `heads/${STATE_BRANCH}`;
const ATTEMPTS = 8;

export type StateWrite = {
  /** `text: null` removes a path, also one that isn't there. */
  changes: { path: string; text: string | null }[];
  /** Paths among `changes` that must not exist yet: who comes second gets `taken`. */
  fresh?: string[];
  /** Paths among `changes` that must still say this: compare and swap of a record; `taken` where one does not. */
  expected?: { path: string; text: string }[];
  audit: AuditEvent;
};

export type StateOutcome = { kind: 'written'; commit: string } | { kind: 'taken'; path: string };

export type StateBranch = ReturnType<typeof stateBranch>;

type Pending = {
  write: StateWrite;
  settle: (outcome: StateOutcome) => void;
  fail: (error: unknown) => void;
};

/**
 * The branch `roundhouse` as a small database: an orphan branch whose files are records. Writes that come
 * within `batchSeconds` become one commit, made by compare-and-swap on the ref: a loser reads again, checks
 * `fresh` again, and retries. Every commit appends to a hash-chained audit log, and signs its head with `auditKey`.
 */
export function stateBranch({
  trees,
  batchSeconds,
  now,
  auditKey = null,
}: {
  trees: Trees;
  batchSeconds: () => number;
  now: () => Date;
  auditKey?: AuditKey | null;
}) {
  let head: string | null | undefined;
  let waiting: Pending[] = [];
  let draining = false;

  async function blobs(): Promise<Map<string, string>> {
    if (head === undefined) head = await trees.ref(REF);
    if (head === null) return new Map();
    return new Map((await trees.files(head)).map(({ path, sha }) => [path, sha]));
  }

  async function read(path: string): Promise<string | null> {
    const blob = (await blobs()).get(path);
    return blob === undefined ? null : trees.text(blob);
  }

  async function flush(): Promise<void> {
    await sleep(batchSeconds() * 1000);
    const batch = waiting;
    waiting = [];
    try {
      await commit(batch);
    } catch (error) {
      head = undefined;
      for (const { fail } of batch) fail(error);
    }
  }

  async function commit(batch: Pending[]): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const { changes, refused, accepted, idle } = await merge(batch, read);
      for (const { pending, path } of refused) pending.settle({ kind: 'taken', path });
      const parent = head ?? null;
      if (accepted.length === 0 && parent !== null) {
        for (const { settle } of idle) settle({ kind: 'written', commit: parent });
        return;
      }
      // What is written already in this very batch is written when the batch is.
      batch = [...accepted, ...idle];
      if (batch.length === 0) return;
      const told = parent === null ? batch : accepted;
      const made = await trees.write({
        parent,
        message: messageOf(told),
        changes: [
          ...changes,
          ...(await auditChanges(
            { read, paths: async () => [...(await blobs()).keys()] },
            { events: told.map(({ write }) => write.audit), at: now().toISOString(), key: auditKey },
          )),
        ],
      });
      const moved = parent === null ? await trees.createRef(REF, made) : await trees.moveRef(REF, made);
      if (moved) {
        head = made;
        for (const { settle } of batch) settle({ kind: 'written', commit: made });
        return;
      }
      head = undefined;
      await sleep(Math.random() * 50 * attempt);
    }
    throw new Error(`branch ${STATE_BRANCH} moved ${ATTEMPTS} times while records were written`);
  }

  return {
    read,
    /** Looks where the branch is now: somebody else may have written. */
    async refresh(): Promise<void> {
      head = await trees.ref(REF);
    },
    async paths(prefix: string): Promise<string[]> {
      return [...(await blobs()).keys()].filter((path) => path.startsWith(prefix)).sort();
    },
    async has(path: string): Promise<boolean> {
      return (await blobs()).has(path);
    },
    /** The commit that holds all records written so far; null before the first. */
    async commit(): Promise<string | null> {
      await blobs();
      return head ?? null;
    },
    /** The signed head of the audit log, with all that was written so far: an anchor for wherever it is carried. */
    async auditHead(): Promise<AuditHead | null> {
      const text = await read(HEAD_FILE);
      return text === null ? null : parseAuditHead(text);
    },
    write(write: StateWrite): Promise<StateOutcome> {
      return new Promise((settle, fail) => {
        waiting.push({ write, settle, fail });
        if (!draining) void drain();
      });
    },
  };

  async function drain(): Promise<void> {
    draining = true;
    while (waiting.length > 0) await flush();
    draining = false;
  }
}

/**
 * What a batch comes to on top of the records that are there. A write that changes nothing (what a killed
 * process wrote is written again) is no event: it gets no line in the audit log.
 */
async function merge(batch: Pending[], read: (path: string) => Promise<string | null>) {
  const changes = new Map<string, string | null>();
  const refused: { pending: Pending; path: string }[] = [];
  const accepted: Pending[] = [];
  const idle: Pending[] = [];
  const now = async (path: string) => {
    const changed = changes.get(path);
    return changed === undefined ? read(path) : changed;
  };
  for (const pending of batch) {
    const { write } = pending;
    const path = await conflictOf(write, now);
    if (path !== null) {
      refused.push({ pending, path });
      continue;
    }
    const isIdle = await isWritten(write, now);
    (isIdle ? idle : accepted).push(pending);
    for (const change of write.changes) changes.set(change.path, change.text);
  }
  const real: { path: string; text: string | null }[] = [];
  for (const [path, text] of changes) {
    // GitHub refuses to remove what isn't there.
    if (text !== null || (await read(path)) !== null) real.push({ path, text });
  }
  return { changes: real, refused, accepted, idle };
}

type Now = (path: string) => Promise<string | null>;

async function conflictOf({ fresh = [], expected = [] }: StateWrite, now: Now): Promise<string | null> {
  for (const path of fresh) if ((await now(path)) !== null) return path;
  for (const { path, text } of expected) if ((await now(path)) !== text) return path;
  return null;
}

async function isWritten({ changes }: StateWrite, now: Now): Promise<boolean> {
  if (changes.length === 0) return false;
  for (const { path, text } of changes) if ((await now(path)) !== text) return false;
  return true;
}

function messageOf(batch: Pending[]): string {
  const [first] = batch;
  const title = first ? `${first.write.audit.event}: ${first.write.audit.subject}` : 'records';
  return batch.length > 1 ? `${title} and ${batch.length - 1} more` : title;
}
