import { expect, test } from 'vitest';
import { differences } from '../../app/features/merge-group.ts';
import { readModel, readTree } from '../../app/model-tree.ts';
import { bikesTexts } from '../formats/bikes.ts';
import { fakeTrees } from '../github/fake-trees.ts';

const texts = bikesTexts();
type Changes = Partial<Record<keyof typeof texts, (text: string) => string>>;

const SAME: Changes = {};
const POLICY: Changes = { policy: (text) => text.replace(/required: 1/, 'required: 2') };
const SEED: Changes = { model: (text) => text.replace(/^seed: .*$/m, 'seed: 77') };
const BROKEN: Changes = { policy: () => 'version: 9\n' };

test.each([
  ['nothing', SAME, SAME, []],
  ['another approval rule', POLICY, POLICY, ['policy']],
  ['another approval rule that comes with the group itself', SAME, POLICY, []],
  ['another configuration', SEED, SEED, ['config']],
  ['a policy that cannot be read', BROKEN, BROKEN, ['the files']],
])('%s ahead in the queue', async (_, ahead, group, expected) => {
  const { trees } = fakeTrees();
  const commit = async (changes: Changes) => {
    const edited = Object.entries(texts).map(([kind, { file, text }]) => ({
      path: file,
      text: (changes[kind as keyof typeof texts] ?? ((same: string) => same))(text),
    }));
    return readTree(trees, await trees.write({ parent: null, message: 'm', changes: edited }));
  };
  const judged = await commit(SAME);
  const merged = await readModel(judged, 'bikes', texts.policy.text);
  const around = { before: await commit(ahead), after: await commit(group) };
  expect(await differences({ name: 'bikes', merged }, around)).toEqual(expected);
});
