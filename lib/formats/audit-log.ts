import { type AuditEntry, type AuditHead, auditEntry, auditHeadSchema } from '../lifecycle/audit.ts';

/** The log of a day: `audit/YYYY/MM/DD.jsonl`. */
export function isLogFile(path: string): boolean {
  return /^audit\/\d{4}\/\d\d\/\d\d\.jsonl$/.test(path);
}

/** Lines of a file of the log. The last one ends too: a line end that is missing is a line that was torn. */
export function logLines(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

export function parseAuditLine(text: string): AuditEntry | null {
  try {
    return auditEntry(JSON.parse(text));
  } catch {
    return null;
  }
}

export function parseAuditHead(text: string): AuditHead | null {
  try {
    return auditHeadSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/**
 * A head in one line, to be carried by tags, releases, deployments and comments:
 * `audit: <seq> <digest> <time> <key id> <signature>`.
 */
export function printAnchor({ seq, digest, at, key_id, signature }: AuditHead): string {
  return `audit: ${seq} ${digest} ${at} ${key_id} ${signature}`;
}

const ANCHOR =
  /\baudit: (\d{1,15}) (sha256:[0-9a-f]{64}) (\S{20,40}) ([0-9a-f]{32}) ([A-Za-z0-9_-]{86})(?![A-Za-z0-9_-])/g;

/** All heads that a text carries, whatever stands around them. */
export function findAnchors(text: string): AuditHead[] {
  return [...text.matchAll(ANCHOR)].flatMap(([, seq, digest, at, key_id, signature]) => {
    const head = auditHeadSchema.safeParse({ seq: Number(seq), digest, at, key_id, signature });
    return head.success ? [head.data] : [];
  });
}
