import { beforeEach, expect, it } from 'vitest';
import { parseConfig } from '#lib/formats/config.ts';
import { hold, unhold } from '../../app/features/hold.ts';
import { readTree } from '../../app/model-tree.ts';
import type { Project } from '../../app/project.ts';
import { commentOf, fakeProject } from './fake-project.ts';

let project: Project;
beforeEach(async () => {
  ({ project } = await fakeProject());
});

async function settingOf(id: number) {
  const { trees } = project.forge;
  const tree = await readTree(trees, (await trees.ref('heads/main')) ?? '');
  const file = '.github/roundhouse.yml';
  const policy = parseConfig('policy', { file, text: (await tree.read(file)) ?? '' });
  return { project, comment: commentOf(id, ''), policy, tree } as unknown as Parameters<typeof hold>[0];
}

it('of two comments the newer one counts, and the one that comes too late is told', async () => {
  await hold(await settingOf(8), {});
  const late = await unhold(await settingOf(7), {});
  expect(late).toMatchObject({ ok: true, text: expect.stringContaining('held it after this comment') });
});

it('one that was done and is handled again after a kill says what it said', async () => {
  const first = await hold(await settingOf(6), {});
  const done = await unhold(await settingOf(7), {});
  await hold(await settingOf(8), {});
  expect(await unhold(await settingOf(7), {})).toEqual(done);
  expect(await hold(await settingOf(6), {})).toEqual(first);
  expect(await project.state.read('holds/1.json')).toContain('"held": true');
});
