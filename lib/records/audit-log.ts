import { isSignedBy } from '#lib/formats/audit-key.ts';
import { findAnchors, isLogFile, logLines, parseAuditHead, parseAuditLine } from '#lib/formats/audit-log.ts';
import { digestOf } from '#lib/formats/digest.ts';
import { parseTagMessage, parseTagName } from '#lib/formats/registry-tags.ts';
import type { AuditEntry, AuditHead } from '#lib/lifecycle/audit.ts';
import { type FoundHead, HEAD_FILE, type LogLine, type Signed } from '#lib/lifecycle/audit-check.ts';
import type { RecordSource, TagSource } from './source.ts';

/** An entry with where it stands; a line of before there were numbers has that of its place. */
export type LoggedEntry = AuditEntry & { seq: number; file: string; line: number };

/** A head that was found outside the branch, and where. */
export type Anchor = AuditHead & { where: string };

/** The audit log as a branch has it, with what `checkLog` needs. Files in order of their days. */
export async function readAuditLog(
  source: RecordSource,
): Promise<{ lines: LogLine[]; head: FoundHead | 'unreadable' | null }> {
  const lines: LogLine[] = [];
  for (const file of (await source.paths('audit/')).filter(isLogFile)) {
    const texts = logLines((await source.read(file)) ?? '');
    texts.forEach((text, index) => {
      lines.push({ file, line: index + 1, digest: digestOf(text), entry: parseAuditLine(text) });
    });
  }
  const text = await source.read(HEAD_FILE);
  if (text === null) return { lines, head: null };
  const head = parseAuditHead(text);
  if (head === null) return { lines, head: 'unreadable' };
  return { lines, head: { ...head, where: HEAD_FILE, signed: await signedOf(source, head) } };
}

/** Anchors with what checking their signatures by the branch's public keys came to. */
export async function checkedAnchors(source: RecordSource, anchors: readonly Anchor[]): Promise<FoundHead[]> {
  const checked: FoundHead[] = [];
  for (const anchor of anchors) {
    const { where, ...head } = anchor;
    checked.push({ ...anchor, signed: await signedOf(source, head) });
  }
  return checked;
}

async function signedOf(source: Pick<RecordSource, 'read'>, head: AuditHead): Promise<Signed> {
  const publicKey = await source.read(`audit/keys/${head.key_id}.pem`);
  if (publicKey === null) return 'unknown key';
  return isSignedBy(head, publicKey) ? 'valid' : 'invalid';
}

/** What the messages of registry tags carry: a clone has them without asking anybody. */
export async function tagAnchors(tags: TagSource): Promise<Anchor[]> {
  const listed = await tags.list('');
  return listed.flatMap(({ name, message }) => {
    if (message === null || parseTagName(name) === null || parseTagMessage(message) === null) return [];
    return findAnchors(message).map((head) => ({ ...head, where: `tag ${name}` }));
  });
}

/** All entries that can be read, oldest first. */
export async function readAuditEntries(source: RecordSource): Promise<LoggedEntry[]> {
  const { lines } = await readAuditLog(source);
  return lines.flatMap(({ file, line, entry }, index) =>
    entry === null ? [] : [{ ...entry, seq: entry.seq ?? index + 1, file, line }],
  );
}
