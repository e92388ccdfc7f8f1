import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newAuditKey, readAuditKey } from '#lib/formats/audit-key.ts';
import { parseAuditHead, printAnchor } from '#lib/formats/audit-log.ts';
import { auditChanges } from '#lib/github/audit-branch.ts';
import { anchorsOfFile } from '../../actions/audit/anchors.ts';
import { toldReport, verifyAudit } from '../../actions/audit/verify.ts';

let root = '';
const files = new Map<string, string>();
const key = readAuditKey(newAuditKey(), 'the test');
const git = (...args: string[]) =>
  execFileSync('git', ['-C', root, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    encoding: 'utf8',
  });

function commit(changes: { path: string; text: string }[]): void {
  for (const { path, text } of changes) {
    files.set(path, text);
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  git('add', '-A');
  git('commit', '-q', '-m', 'records');
}

async function record(count: number): Promise<void> {
  const branch = {
    read: async (path: string) => files.get(path) ?? null,
    paths: async () => [...files.keys()],
  };
  const events = Array.from({ length: count }, (_, n) => ({
    event: 'approved',
    actor: 'a',
    subject: String(n),
  }));
  commit(await auditChanges(branch, { events, at: '2026-03-01T10:00:00.000Z', key }));
}

const head = () => {
  const found = parseAuditHead(files.get('audit/head.json') ?? '');
  if (found === null) throw new Error('there is no head');
  return found;
};

function tag(name: string): void {
  const candidate = `sha256:${'c'.repeat(64)}`;
  const [model, version] = name.split('@v');
  const said = { kind: 'roundhouse-tag', model, version, environment: null, candidate, bundle: candidate };
  const json = JSON.stringify({ ...said, commit: 'd'.repeat(40) });
  git('tag', '-a', name, '-m', `Register ${name}\n\n${json}\n\n${printAnchor(head())}`);
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'audit-'));
  git('init', '-q', '-b', 'roundhouse');
});
afterAll(() => rmSync(root, { recursive: true }));

test('a clone checks its log with the anchors in its tags, and with those of a file', async () => {
  await record(5);
  expect(await verifyAudit(root, [])).toMatchObject({
    standing: 'self-consistent only',
    entries: 5,
    tags: 0,
  });
  tag('bikes@v1.0.0');
  const kept = join(root, '..', 'audit-head.json');
  await record(3);
  writeFileSync(kept, files.get('audit/head.json') ?? '');
  const anchors = await anchorsOfFile(kept);
  await record(2);
  expect(await verifyAudit(root, [])).toMatchObject({ standing: 'anchored', anchored: 5, entries: 10 });
  const both = await verifyAudit(root, anchors);
  expect(both).toMatchObject({ standing: 'anchored', anchored: 8, tags: 1, elsewhere: 1 });
  expect(toldReport(both, { live: false })).toContain('the 2 after it are self-consistent only');
  rmSync(kept);
});

test('a log that was written anew is found by a tag, with file and line', async () => {
  const log = 'audit/2026/03/01.jsonl';
  for (const path of [log, 'audit/head.json', `audit/keys/${key.id}.pem`]) files.delete(path);
  await record(10);
  expect((await verifyAudit(root, [])).faults).toEqual([]);
  files.delete(log);
  const branch = {
    read: async (path: string) => files.get(path) ?? null,
    paths: async () => [...files.keys()],
  };
  const events = Array.from({ length: 10 }, () => ({ event: 'approved', actor: 'mallory', subject: 'all' }));
  commit(await auditChanges(branch, { events, at: '2026-03-01T10:00:00.000Z', key }));
  const report = await verifyAudit(root, []);
  expect(report.standing).toBe('broken');
  expect(report.faults).toMatchObject([{ kind: 'changed', file: log, line: 5, seq: 5 }]);
  expect(toldReport(report, { live: false })).toMatch(
    /01\.jsonl:5 {2}changed {2}entry 5\n {2}expected {2}sha256:\w+ \(tag bikes@v1\.0\.0\)/,
  );
});

test('a file without anchors is the user’s to mend', async () => {
  const path = join(root, 'nothing.txt');
  writeFileSync(path, 'nothing');
  await expect(anchorsOfFile(path)).rejects.toThrow('holds no anchor');
});
