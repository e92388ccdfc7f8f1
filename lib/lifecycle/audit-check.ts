import type { AuditEntry, AuditHead } from './audit.ts';

/** A line as it stands in the log, in the order of the files; `entry` is null where it can't be read. */
export type LogLine = { file: string; line: number; digest: string; entry: AuditEntry | null };

/** What checking a signature came to; `unknown key`: the branch has no such public key. */
export type Signed = 'valid' | 'invalid' | 'unknown key';

/** A signed head, and where it was found. */
export type FoundHead = AuditHead & { where: string; signed: Signed };

export type AuditFault = {
  kind: 'unreadable' | 'changed' | 'missing' | 'out of order' | 'cut' | 'head' | 'anchor';
  file: string;
  /** Null where no line of the file is meant. */
  line: number | null;
  seq: number | null;
  expected: string;
  found: string;
};

export type AuditReport = {
  /** `anchored`: nothing contradicts the log, and signed heads kept elsewhere agree with it. */
  standing: 'anchored' | 'self-consistent only' | 'broken';
  entries: number;
  /** The newest entry that an anchor vouches for; 0 = none. */
  anchored: number;
  anchors: number;
  faults: AuditFault[];
  /** What isn't wrong by itself and worth a look. */
  notes: string[];
};

export const HEAD_FILE = 'audit/head.json';

type Placed = LogLine & { seq: number };

/**
 * Holds a log against itself, its signed head and the anchors. Every line names the digest of the one before, so
 * one change breaks one link: the line whose two links are both broken is the changed one, else the earlier.
 */
export function checkLog({
  lines,
  head,
  anchors,
}: {
  lines: readonly LogLine[];
  head: FoundHead | 'unreadable' | null;
  anchors: readonly FoundHead[];
}): AuditReport {
  const placed = place(lines);
  const bySeq = new Map<number, Placed>();
  for (const line of placed) if (!bySeq.has(line.seq)) bySeq.set(line.seq, line);
  const last = Math.max(0, ...bySeq.keys());
  const faults = [
    ...orderFaults(placed, bySeq),
    ...linkFaults(placed, bySeq, typeof head === 'object' ? head : null),
    ...headFaults(placed, { head, bySeq, last }),
  ];
  const { agreed, faults: contradicted, notes } = checkAnchors(anchors, bySeq, last);
  faults.push(...contradicted);
  if (typeof head === 'object' && head && agreed.length > 0) {
    const keys = new Set(agreed.map(({ key_id }) => key_id));
    if (!keys.has(head.key_id))
      notes.push(`the head is signed by the key ${head.key_id}, which no anchor names`);
  }
  const anchored = Math.max(0, ...agreed.map(({ seq }) => seq));
  return {
    standing: faults.length > 0 ? 'broken' : agreed.length > 0 ? 'anchored' : 'self-consistent only',
    entries: lines.length,
    anchored,
    anchors: agreed.length,
    faults: faults.toSorted((a, b) => a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0)),
    notes,
  };
}

/** A line without a number, or that can't be read, is the one after the line before it. */
function place(lines: readonly LogLine[]): Placed[] {
  let before = 0;
  return lines.map((line) => {
    const seq = line.entry?.seq ?? before + 1;
    before = seq;
    return { ...line, seq };
  });
}

function orderFaults(placed: readonly Placed[], bySeq: ReadonlyMap<number, Placed>): AuditFault[] {
  const faults: AuditFault[] = [];
  let newest = 0;
  for (const line of placed) {
    if (line.entry === null) {
      faults.push(at(line, 'unreadable', { expected: 'an entry of the audit log', found: 'something else' }));
    }
    if (line.seq <= newest) {
      const found = `entry ${line.seq}${bySeq.get(line.seq) === line ? '' : ' once more'}`;
      faults.push(at(line, 'out of order', { expected: `entry ${newest + 1} or later`, found }));
      continue;
    }
    const absent = range(newest + 1, line.seq - 1).filter((seq) => !bySeq.has(seq));
    const [first] = absent;
    if (first !== undefined) {
      const expected = absent.length === 1 ? `entry ${first}` : `entries ${first} to ${absent.at(-1)}`;
      faults.push(at(line, 'missing', { expected, found: `entry ${line.seq}` }));
    }
    newest = line.seq;
  }
  return faults;
}

function linkFaults(
  placed: readonly Placed[],
  bySeq: ReadonlyMap<number, Placed>,
  head: FoundHead | null,
): AuditFault[] {
  /** Null where nothing can be said: the line before is missing, or this one can't be read. */
  const broken = (seq: number): { expected: string; found: string } | null => {
    const line = bySeq.get(seq);
    const before = bySeq.get(seq - 1);
    const named = line === undefined && head?.seq === seq - 1 ? head.digest : line?.entry?.previous;
    if (named === undefined || named === null || before === undefined) return null;
    return named === before.digest ? null : { expected: named, found: before.digest };
  };
  const blamed = new Map<Placed, { expected: string; found: string }>();
  for (const line of placed) {
    if (line.seq === 1 && line.entry !== null && line.entry.previous !== null) {
      blamed.set(line, {
        expected: 'the first entry, which names none before it',
        found: line.entry.previous,
      });
    }
    const link = broken(line.seq + 1);
    if (link === null || bySeq.get(line.seq) !== line || line.entry === null) continue;
    const next = bySeq.get(line.seq + 1);
    const isNext = next !== undefined && next.entry !== null && broken(next.seq + 1) !== null;
    // Both links of the next one are broken: it is that one, unless this one's other link is broken too.
    if (!isNext || broken(line.seq) !== null) blamed.set(line, link);
  }
  return [...blamed].map(([line, link]) => at(line, 'changed', link));
}

function headFaults(
  placed: readonly Placed[],
  {
    head,
    bySeq,
    last,
  }: { head: FoundHead | 'unreadable' | null; bySeq: ReadonlyMap<number, Placed>; last: number },
): AuditFault[] {
  const fault = (expected: string, found: string, kind: AuditFault['kind'] = 'head'): AuditFault => ({
    kind,
    file: HEAD_FILE,
    line: null,
    seq: head !== null && head !== 'unreadable' ? head.seq : null,
    expected,
    found,
  });
  if (head === 'unreadable') return [fault('a signed head', 'something else')];
  if (head === null) {
    const isNumbered = placed.some(({ entry }) => entry !== null && entry.seq !== null);
    return isNumbered ? [fault(`a signed head of entry ${last}`, 'nothing')] : [];
  }
  if (head.signed === 'invalid') return [fault(`a signature of the key ${head.key_id}`, 'another one')];
  if (head.signed === 'unknown key') {
    return [fault(`the public key ${head.key_id} at audit/keys/${head.key_id}.pem`, 'nothing')];
  }
  if (head.seq > last) {
    const after = bySeq.get(last);
    const cut = fault(
      `entries up to ${head.seq}`,
      last === 0 ? 'no entry' : `the end after entry ${last}`,
      'cut',
    );
    return [{ ...cut, seq: last + 1, file: after?.file ?? HEAD_FILE, line: after?.line ?? null }];
  }
  return head.seq < last ? [fault(`the head of entry ${last}`, `the head of entry ${head.seq}`)] : [];
}

function checkAnchors(anchors: readonly FoundHead[], bySeq: ReadonlyMap<number, Placed>, last: number) {
  const agreed: FoundHead[] = [];
  const faults: AuditFault[] = [];
  const notes: string[] = [];
  for (const anchor of anchors.toSorted((a, b) => a.seq - b.seq)) {
    const { seq, digest, where, signed, key_id } = anchor;
    const line = bySeq.get(seq);
    const says = `${digest} (${where}${signed === 'valid' ? '' : `, ${signed} ${key_id}`})`;
    if (signed === 'invalid') {
      const found = 'another signature: the anchor was changed';
      faults.push({
        kind: 'anchor',
        file: where,
        line: null,
        seq,
        expected: `a signature of ${key_id}`,
        found,
      });
    } else if (line === undefined) {
      const end = bySeq.get(last);
      const found = seq > last ? `the end after entry ${last}` : 'no such entry';
      const place = { file: end?.file ?? HEAD_FILE, line: end?.line ?? null };
      faults.push({ kind: 'cut', ...place, seq, expected: `entry ${seq}: ${says}`, found });
    } else if (line.digest !== digest) {
      const since = Math.max(0, ...agreed.map((other) => other.seq));
      const found = `${line.digest}: rewritten somewhere from entry ${since + 1} to ${seq}`;
      faults.push(at(line, 'changed', { expected: says, found }));
    } else if (signed === 'valid') {
      agreed.push(anchor);
    } else {
      notes.push(`${where} agrees, and is signed by the key ${key_id}, which the branch doesn't have`);
    }
  }
  return { agreed, faults, notes };
}

function at(
  { file, line, seq }: Placed,
  kind: AuditFault['kind'],
  told: Pick<AuditFault, 'expected' | 'found'>,
): AuditFault {
  return { kind, file, line, seq, ...told };
}

/** A forged number may be huge: what is missing is told by its ends. */
function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, Math.min(to - from + 1, 10_000)) }, (_, index) => from + index);
}
