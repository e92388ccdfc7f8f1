import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { badge } from '#lib/formats/badge.ts';
import { problemDigest } from '#lib/formats/digests.ts';
import type { ApprovalRecord } from '#lib/lifecycle/records.ts';
import { recordPath, recordText } from '#lib/records/records.ts';
import { readChecklist } from '../../actions/checklist/read.ts';
import { told } from '../../actions/checklist/told.ts';
import { originPage } from '../../actions/kit/origin.ts';
import { bikes, bikesTexts } from '../formats/bikes.ts';

let clone = '';
const git = (args: string[], input = '') =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: clone, input });

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'checklist-'));
  git(['init', '-q', '-b', 'main']);
  const { problem, policy } = bikes();
  const approval: ApprovalRecord = {
    kind: 'roundhouse-approval',
    digest: problemDigest(problem),
    comment: 3,
    issue: 1,
    login: 'ml-lead',
    roles: policy.approvals.problem.roles,
    at: '2026-01-01T00:00:00Z',
    url: 'https://github.com/acme/bikes/issues/1#issuecomment-3',
  };
  const files = Object.fromEntries(Object.values(bikesTexts()).map(({ file, text }) => [file, text]));
  write('refs/heads/main', files);
  write('refs/heads/roundhouse', {
    [recordPath.approval(approval.digest, approval.comment)]: recordText(approval),
  });
  git(['reset', '-q', '--hard', 'main']);
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

function write(ref: string, files: Record<string, string>): void {
  const changes = Object.entries(files).map(
    ([path, text]) => `M 644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
  );
  git(['fast-import', '--quiet'], `commit ${ref}\ncommitter a <a@b> 0 +0000\ndata 0\n${changes.join('')}\n`);
}

it('reads what a clone has: only what is on record is true', async () => {
  const checklist = await readChecklist(clone, undefined);
  const held = checklist.stages.flatMap(({ items }) => items.filter(({ state }) => state));
  expect(held.map(({ id }) => id)).toContain('P-C1');
  expect(held.every(({ id }) => id.startsWith('P-'))).toBe(true);
  expect(held[0]?.evidence[0]?.link).toBe('https://github.com/acme/bikes/issues/1#issuecomment-3');
  const text = told(checklist, { live: false });
  expect(text).toContain(`bikes: ${held.length} of 29`);
  expect(text).toContain('missing: no version is registered yet');
});

it('links to the pages of the origin, without what its address may hold of secrets', async () => {
  const of = async (address: string) => {
    git(['config', 'remote.origin.url', address]);
    return originPage(clone);
  };
  expect(await of('https://x-access-token:secret@github.com/acme/bikes.git')).toBe(
    'https://github.com/acme/bikes',
  );
  expect(await of('git@github.com:acme/bikes.git')).toBe('https://github.com/acme/bikes');
  expect(await of('http://127.0.0.1:4440/acme/bikes.git')).toBe('http://127.0.0.1:4440/acme/bikes');
  expect(await of('/srv/git/bikes.git')).toBeNull();
});

it('makes a badge that no text breaks', () => {
  const svg = badge({ label: 'a<b>&"', message: '1/29', colour: '#444' });
  expect(svg).toContain('<title>a&lt;b&gt;&amp;&quot;: 1/29</title>');
  expect(svg).not.toContain('<b>');
});
