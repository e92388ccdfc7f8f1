import { expect, it } from 'vitest';
import { digestOf } from '#lib/formats/digest.ts';
import { renderTagMessage } from '#lib/formats/registry-tags.ts';
import type { TagMessage } from '#lib/lifecycle/registry.ts';
import { readHistory } from '#lib/records/model-history.ts';
import { recordPath, recordText } from '#lib/records/records.ts';

const given = {
  model: 'bikes',
  version: '1.0.0',
  candidate: digestOf('candidate'),
  bundle: digestOf('bundle'),
  commit: 'a'.repeat(40),
};
const record = { kind: 'roundhouse-registration', ...given, at: '2026-01-01T00:00:00Z' };
const files = new Map([[recordPath.registration('bikes', '1.0.0'), recordText(record)]]);
const state = {
  read: async (path: string) => files.get(path) ?? null,
  paths: async (folder: string) => [...files.keys()].filter((path) => path.startsWith(folder)),
};

it.each<[string, Partial<TagMessage>, string[]]>([
  ['what is on record', {}, ['1.0.0']],
  ['another version', { version: '2.0.0' }, []],
  ['another candidate', { candidate: digestOf('evil') }, []],
  ['another bundle', { bundle: digestOf('evil') }, []],
  ['another commit', { commit: 'b'.repeat(40) }, []],
])('a version tag that says %s', async (_what, over, versions) => {
  const message: TagMessage = { kind: 'roundhouse-tag', environment: null, ...given, ...over };
  const version = message.version ?? '';
  const text = renderTagMessage({ kind: 'register', model: 'bikes', version, n: null }, message);
  const tags = { list: async () => [{ name: `bikes@v${version}`, message: text, target: given.commit }] };
  const { registry } = await readHistory(state, tags, 'bikes');
  expect(registry.versions.map((entry) => entry.version)).toEqual(versions);
  expect(registry.taken).toEqual([version]);
});
