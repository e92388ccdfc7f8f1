import { beforeEach, expect, it } from 'vitest';
import type { PullRequest } from '#lib/github/pulls.ts';
import { setParameters } from '../../app/features/train.ts';
import { readTree } from '../../app/model-tree.ts';
import { readPeople } from '../../app/people.ts';
import { commentOf, fakeProject, killedAtMove, pullOf } from './fake-project.ts';

const FILE = 'models/bikes/model.yml';
const TEXT = `version: 1
predictor: onnx
candidates:
  - name: mlp # the small one
    trainer: mlp
    hidden: [64, 32]
    epochs: 60
    learning_rate: 0.006
seed: 1
`;

let project: Awaited<ReturnType<typeof fakeProject>>['project'];
let pull: PullRequest;

beforeEach(async () => {
  ({ project } = await fakeProject());
  const { trees } = project.forge;
  const main = (await trees.ref('heads/main')) ?? '';
  const changes = [{ path: FILE, text: TEXT }];
  const sha = await trees.write({ parent: main, message: 'topic', changes });
  await trees.createRef('heads/topic', sha);
  pull = pullOf(sha, main);
  const paths = async () => [FILE];
  Object.assign(project.forge.pulls, { get: async () => pull, committers: async () => [], paths });
});

async function set(...words: string[]) {
  const parameters = words.map((word) => ({
    name: word.split('=')[0] ?? '',
    value: word.split('=')[1] ?? '',
  }));
  const comment = commentOf(7, `/train ${words.join(' ')}`, { author: { login: 'ml-lead', type: 'User' } });
  return setParameters({ project, comment }, parameters);
}

async function headText(): Promise<string | null> {
  const { trees } = project.forge;
  return (await readTree(trees, (await trees.ref('heads/topic')) ?? '')).read(FILE);
}

it('commits the values to the branch, keeps everything else, and whoever asked is behind the change', async () => {
  const outcome = await set('mlp.epochs=80', 'seed=2');
  expect(outcome).toEqual({ ok: true, text: 'epochs of mlp = 80 (was 60), seed = 2 (was 1)' });
  expect(await headText()).toBe(TEXT.replace('60\n', '80\n').replace('seed: 1', 'seed: 2'));
  expect((await readPeople(project, pull)).causers).toEqual(['ml-lead']);
});

it('a value that stood on its default is added', async () => {
  await set('l2=0.01');
  expect(await headText()).toContain('l2: 0.01');
  expect(await headText()).toContain('# the small one');
});

it.each(['before', 'after'])(
  'goes on with its own commit where it was killed %s the branch moved',
  async (when) => {
    const { trees } = project.forge;
    const made = await killedAtMove(project, when, () => set('seed=2'));
    pull.head.sha = (await trees.ref('heads/topic')) ?? '';
    expect(await set('seed=2')).toEqual({ ok: true, text: 'seed = 2 (was 1)' });
    expect(await trees.ref('heads/topic')).toBe(made);
  },
);

it.each<[string, () => void, string[], RegExp]>([
  ['a fork', () => Object.assign(pull.head, { same_repository: false }), ['seed=2'], /never pushes to forks/],
  ['a closed one', () => Object.assign(pull, { state: 'closed' }), ['seed=2'], /open pull request/],
  ['a value that is there', () => {}, ['seed=1'], /says so already/],
  ['an unknown parameter', () => {}, ['depth=3'], /no candidate has a parameter "depth"/],
  [
    'two models',
    () => Object.assign(project.forge.pulls, { paths: async () => [FILE, 'models/taxis/data.yml'] }),
    ['seed=2'],
    /touches bikes, taxis/,
  ],
])('%s is refused', async (_, arrange, words, reason) => {
  arrange();
  expect(await set(...words)).toMatchObject({ ok: false, text: expect.stringMatching(reason) });
  expect(await headText()).toBe(TEXT);
});
