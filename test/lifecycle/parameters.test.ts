import { expect, it } from 'vitest';
import { modelSchema } from '#lib/lifecycle/model.ts';
import { parameterChanges } from '#lib/lifecycle/parameters.ts';

const MODEL = modelSchema.parse({
  version: 1,
  predictor: 'onnx',
  candidates: [
    { trainer: 'linear', name: 'linear', epochs: 10, learning_rate: 0.01 },
    { trainer: 'mlp', name: 'mlp', hidden: [64, 32], epochs: 20, learning_rate: 0.006, l2: 0.001 },
    { trainer: 'command', name: 'gbm', command: ['./fit'], params: { trees: 200 } },
  ],
});

function setting(...words: string[]) {
  const found = parameterChanges(
    MODEL,
    words.map((word) => ({ name: word.split('=')[0] ?? '', value: word.split('=')[1] ?? '' })),
  );
  if (typeof found === 'string') return found;
  return found.changes.map(({ path, after }) => [path.join('.'), after]);
}

it.each<[string[], [string, unknown][]]>([
  [
    ['epochs=30'],
    [
      ['candidates.0.epochs', 30],
      ['candidates.1.epochs', 30],
    ],
  ],
  [['mlp.epochs=30'], [['candidates.1.epochs', 30]]],
  [['hidden=16,8'], [['candidates.1.hidden', [16, 8]]]],
  [['mlp.hidden=16'], [['candidates.1.hidden', [16]]]],
  [
    ['seed=3', 'mlp.loss=mae'],
    [
      ['seed', 3],
      ['candidates.1.loss', 'mae'],
    ],
  ],
  [['trees=500'], [['candidates.2.params.trees', 500]]],
  [['gbm.depth=6'], [['candidates.2.params.depth', 6]]],
  [['gbm.exact=true'], [['candidates.2.params.exact', true]]],
  [['mlp.l2=1e-3'], []],
])('%j sets %j', (words, changes) => {
  expect(setting(...words)).toEqual(changes);
});

it.each([
  [
    'depth=6',
    'no candidate has a parameter "depth": there are seed; linear (epochs, learning_rate, batch_size, loss, l2)',
  ],
  ['linear.hidden=4', 'no candidate has a parameter "hidden"'],
  ['tree.depth=6', 'model.yml has no candidate "tree": it has linear, mlp, gbm'],
  ['mlp.epochs=many', 'epochs of mlp = "many"'],
  ['learning_rate=7', 'learning_rate of linear = 7'],
  ['mlp.name=other', 'no candidate has a parameter "name"'],
  ['gbm.__proto__=1', 'no candidate has a parameter "__proto__"'],
  ['seed=-1', 'seed = -1'],
])('%s is refused: %s', (word, reason) => {
  expect(setting(word)).toContain(reason);
});
