import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newAuditKey, readAuditKey } from '#lib/formats/audit-key.ts';
import { findAnchors, printAnchor } from '#lib/formats/audit-log.ts';
import { canonicalJson, digestOf } from '#lib/formats/digest.ts';
import { auditChanges } from '#lib/github/audit-branch.ts';
import { type AuditReport, checkLog } from '#lib/lifecycle/audit-check.ts';
import { checkedAnchors, readAuditLog } from '#lib/records/audit-log.ts';

type Files = Map<string, string>;
const KEY = readAuditKey(newAuditKey(), 'the test');
const ENTRIES = 60;

function sourceOf(files: Files) {
  return {
    read: async (path: string) => files.get(path) ?? null,
    paths: async (prefix = '') => [...files.keys()].filter((path) => path.startsWith(prefix)).sort(),
  };
}

/** What the app itself writes, over three days and in bursts; every tenth head is kept as an anchor. */
async function writeLog() {
  const files: Files = new Map();
  const anchors: string[] = [];
  for (let n = 0; n < ENTRIES; n += 2) {
    const events = [n, n + 1].map((i) => ({
      event: 'approved',
      actor: 'ml-lead',
      subject: `candidate ${i}`,
    }));
    const at = `2026-03-0${1 + Math.floor(n / 24)}T10:00:00.000Z`;
    for (const { path, text } of await auditChanges(sourceOf(files), { events, at, key: KEY }))
      files.set(path, text);
    const head = (await readAuditLog(sourceOf(files))).head;
    if (n % 10 === 0 && head !== null && head !== 'unreadable') anchors.push(printAnchor(head));
  }
  return { files, anchors };
}

async function check(files: Files, anchors: string[] = []): Promise<AuditReport> {
  const source = sourceOf(files);
  const { lines, head } = await readAuditLog(source);
  const found = anchors.flatMap(findAnchors).map((anchor) => ({ ...anchor, where: `tag ${anchor.seq}` }));
  return checkLog({ lines, head, anchors: await checkedAnchors(source, found) });
}

type Place = { file: string; line: number; text: string };

function linesOf(files: Files): Place[] {
  const logs = [...files].filter(([path]) => path.endsWith('.jsonl')).sort();
  return logs.flatMap(([file, text]) =>
    text
      .trimEnd()
      .split('\n')
      .map((line, index) => ({ file, line: index + 1, text: line })),
  );
}

function withLines(files: Files, lines: Pick<Place, 'file' | 'text'>[]): Files {
  const changed = new Map([...files].filter(([path]) => !path.endsWith('.jsonl')));
  for (const { file, text } of lines) changed.set(file, `${changed.get(file) ?? ''}${text}\n`);
  return changed;
}

describe('the audit log', () => {
  it('is self-consistent as it was written, and anchored where heads of it are kept elsewhere', async () => {
    const { files, anchors } = await writeLog();
    expect(await check(files)).toMatchObject({
      standing: 'self-consistent only',
      entries: ENTRIES,
      faults: [],
    });
    expect(await check(files, anchors)).toMatchObject({ standing: 'anchored', anchored: 52, faults: [] });
    expect([...files.keys()].filter((path) => path.endsWith('.jsonl'))).toHaveLength(3);
  });

  it('shows every single edit, and which line it is', async () => {
    const { files } = await writeLog();
    const lines = linesOf(files);
    await fc.assert(
      fc.asyncProperty(fc.nat(ENTRIES - 1), fc.nat(), fc.integer({ min: 1, max: 94 }), async (n, at, by) => {
        const { text, ...place } = lines[n] as Place;
        const position = at % text.length;
        const code = 32 + ((text.charCodeAt(position) - 32 + by) % 95);
        const edited = text.slice(0, position) + String.fromCharCode(code) + text.slice(position + 1);
        const report = await check(withLines(files, lines.with(n, { ...place, text: edited })));
        expect(report.standing).toBe('broken');
        expect(report.faults).toContainEqual(expect.objectContaining(place));
      }),
      { numRuns: 150 },
    );
  });

  it('shows every removed line by what follows it, a cut end by the head', async () => {
    const { files } = await writeLog();
    const lines = linesOf(files);
    for (let n = 0; n < ENTRIES; n += 1) {
      const { standing, faults } = await check(withLines(files, lines.toSpliced(n, 1)));
      expect(standing).toBe('broken');
      expect(faults).toHaveLength(1);
      const isLast = n === ENTRIES - 1;
      expect(faults[0]).toMatchObject(
        isLast
          ? { kind: 'cut', expected: 'entries up to 60', found: 'the end after entry 59' }
          : { kind: 'missing', expected: `entry ${n + 1}`, found: `entry ${n + 2}` },
      );
    }
  });

  it('shows every swap by the line that is too late', async () => {
    const { files } = await writeLog();
    const lines = linesOf(files);
    await fc.assert(
      fc.asyncProperty(fc.nat(ENTRIES - 1), fc.nat(ENTRIES - 1), async (a, b) => {
        fc.pre(a < b);
        const [one, other] = [lines[a] as Place, lines[b] as Place];
        const swapped = lines.with(a, { ...one, text: other.text }).with(b, { ...other, text: one.text });
        const { faults } = await check(withLines(files, swapped));
        const found = { kind: 'out of order', file: other.file, line: other.line, found: `entry ${a + 1}` };
        expect(faults).toContainEqual(expect.objectContaining(found));
        expect(faults.filter(({ kind }) => kind === 'changed')).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('shows a tail that was cut with its head by the anchors alone', async () => {
    const { files, anchors } = await writeLog();
    const left = linesOf(files).slice(0, 30);
    const cut = withLines(files, left);
    const at = '2026-03-02T10:00:00.000Z';
    const head = KEY.sign({ seq: 30, digest: digestOf(left.at(-1)?.text ?? ''), at });
    cut.set('audit/head.json', `${canonicalJson(head)}\n`);
    expect((await check(cut)).standing).toBe('self-consistent only');
    const { faults } = await check(cut, anchors);
    expect(faults.map(({ kind, seq }) => [kind, seq])).toEqual([
      ['cut', 32],
      ['cut', 42],
      ['cut', 52],
    ]);
  });

  it('shows a log that was rewritten and signed by another key by the anchors, and from where on', async () => {
    const { files, anchors } = await writeLog();
    const other = readAuditKey(newAuditKey(), 'the test');
    const rewritten: Files = new Map();
    const lines = linesOf(files).map(
      ({ text }) => JSON.parse(text) as { subject: string; actor: string; at: string },
    );
    for (const [n, { subject, at }] of lines.entries()) {
      const events = [{ event: 'approved', actor: n < 35 ? 'ml-lead' : 'nobody', subject }];
      const source = sourceOf(rewritten);
      for (const { path, text } of await auditChanges(source, { events, at, key: other }))
        rewritten.set(path, text);
    }
    expect((await check(rewritten)).standing).toBe('self-consistent only');
    const { standing, faults } = await check(rewritten, anchors);
    expect(standing).toBe('broken');
    // Its own key is all that the branch has now: the anchors are of a key that is gone, and contradict it.
    expect(faults.map(({ kind, seq }) => [kind, seq])).toEqual([
      ['changed', 42],
      ['changed', 52],
    ]);
    expect(faults[0]?.expected).toContain('unknown key');
  });

  it('takes a head or an anchor with a signature of somebody else for changed', async () => {
    const { files, anchors } = await writeLog();
    const other = readAuditKey(newAuditKey(), 'the test');
    const head = other.sign({
      seq: 60,
      digest: digestOf(linesOf(files).at(-1)?.text ?? ''),
      at: '2026-03-03T10:00:00Z',
    });
    const forged = new Map(files).set('audit/head.json', canonicalJson({ ...head, key_id: KEY.id }));
    expect((await check(forged)).faults).toMatchObject([{ kind: 'head', file: 'audit/head.json' }]);
    const changed = (anchors[0] ?? '').replace(/Z /, 'Z ').replace(/audit: 2 /, 'audit: 4 ');
    expect((await check(files, [changed])).faults).toMatchObject([{ kind: 'anchor', seq: 4 }]);
  });

  it('goes on from lines of before there were numbers, and finds what is done to those too', async () => {
    const files: Files = new Map();
    let previous: string | null = null;
    const old: string[] = [];
    for (const subject of ['a', 'b', 'c', 'd']) {
      const line = canonicalJson({
        at: '2026-02-01T10:00:00.000Z',
        event: 'tested',
        actor: 'x',
        subject,
        url: 'u',
        previous,
      });
      previous = digestOf(line);
      old.push(line);
    }
    files.set('audit/2026/02/01.jsonl', `${old.join('\n')}\n`);
    expect(await check(files)).toMatchObject({ standing: 'self-consistent only', entries: 4 });
    const events = [{ event: 'tested', actor: 'x', subject: 'e' }];
    const added = await auditChanges(sourceOf(files), { events, at: '2026-03-01T10:00:00.000Z', key: KEY });
    for (const { path, text } of added) files.set(path, text);
    expect(await check(files)).toMatchObject({ standing: 'self-consistent only', entries: 5, faults: [] });
    const edited = (old[1] ?? '').replace('"b"', '"B"');
    files.set('audit/2026/02/01.jsonl', `${old.with(1, edited).join('\n')}\n`);
    expect((await check(files)).faults).toMatchObject([{ kind: 'changed', line: 2, seq: 2 }]);
  });

  it('lets no clock of another process break the order', async () => {
    const files: Files = new Map();
    for (const at of ['2026-03-02T00:00:01.000Z', '2026-03-01T23:59:59.000Z']) {
      const events = [{ event: 'tested', actor: 'x', subject: at }];
      for (const { path, text } of await auditChanges(sourceOf(files), { events, at, key: KEY }))
        files.set(path, text);
    }
    expect(await check(files)).toMatchObject({ standing: 'self-consistent only', entries: 2, faults: [] });
  });
});
