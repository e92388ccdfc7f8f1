import type { AuditKey } from '#lib/formats/audit-key.ts';
import { isLogFile, logLines, parseAuditLine } from '#lib/formats/audit-log.ts';
import { canonicalJson, digestOf } from '#lib/formats/digest.ts';
import { type AuditEvent, auditLine } from '#lib/lifecycle/audit.ts';
import { HEAD_FILE } from '#lib/lifecycle/audit-check.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';

type Branch = { read(path: string): Promise<string | null>; paths(): Promise<string[]> };

/**
 * What a commit adds to the audit log: a line per event in the file of the day, each naming the digest of the line
 * before it, the head that the app signs, and its public key where the branch lacks it.
 */
export async function auditChanges(
  branch: Branch,
  { events, at, key }: { events: readonly AuditEvent[]; at: string; key: AuditKey | null },
): Promise<{ path: string; text: string }[]> {
  if (events.length === 0) return [];
  const files = (await branch.paths()).filter(isLogFile).sort();
  // Clocks differ: the order of the files is the order of the log, so no line goes to a day before the last one.
  const today = `audit/${at.slice(0, 10).replaceAll('-', '/')}.jsonl`;
  const newest = files.at(-1) ?? today;
  const path = newest > today ? newest : today;
  const lines = logLines((await branch.read(path)) ?? '');
  let { seq, previous } = await endOf(branch, files);
  for (const event of events) {
    seq += 1;
    const line = canonicalJson(auditLine(event, { seq, at, previous }));
    lines.push(line);
    previous = digestOf(line);
  }
  const log = { path, text: `${lines.join('\n')}\n` };
  if (key === null || previous === null) return [log];
  const head = { path: HEAD_FILE, text: `${canonicalJson(key.sign({ seq, digest: previous, at }))}\n` };
  const published = `audit/keys/${key.id}.pem`;
  if ((await branch.read(published)) !== null) return [log, head];
  return [log, head, { path: published, text: key.publicKey }];
}

/** Where the log ends. Lines of the first form have no number: they are counted. */
async function endOf(
  branch: Branch,
  files: readonly string[],
): Promise<{ seq: number; previous: Digest | null }> {
  const newest = files.at(-1);
  const last = newest === undefined ? undefined : logLines((await branch.read(newest)) ?? '').at(-1);
  if (last === undefined) return { seq: 0, previous: null };
  const previous = digestOf(last);
  const known = parseAuditLine(last)?.seq;
  if (known) return { seq: known, previous };
  let seq = 0;
  for (const file of files) seq += logLines((await branch.read(file)) ?? '').length;
  return { seq, previous };
}
