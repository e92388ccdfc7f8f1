import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '#lib/formats/config.ts';
import {
  candidateDigest,
  codeDigest,
  configDigest,
  evaluationDigest,
  gatesDigest,
  isCode,
  policyDigest,
  problemDigest,
} from '#lib/formats/digests.ts';
import { matchesGlob } from '#lib/formats/glob.ts';
import { problemSchema } from '#lib/lifecycle/problem.ts';
import { bikes, bikesTexts } from './bikes.ts';
import { digest, evaluateResult, holdout } from './sample-evidence.ts';

const options = { model: 'bikes', code: ['shared/**/*.sql', 'lib/?.py'] };

test.each([
  ['models/bikes/pipeline/10-hours.sql', true],
  ['models/bikes/train.py', true],
  ['models/bikes/notes.md', true],
  ['models/bikes/requirements-gpu.txt', true],
  ['package-lock.json', true],
  ['uv.lock', true],
  ['requirements.txt', true],
  ['shared/sql/a/b.sql', true],
  ['shared/a.sql', true],
  ['lib/a.py', true],
  ['models/bikes/data.lock', false],
  ['models/bikes/model.lock', false],
  ['models/bikes/PROBLEM.md', false],
  ['models/bikes/MODEL_CARD.md', false],
  ['models/bikes/DATA_CARD.md', false],
  ['models/bikes/changes/abc.md', false],
  ['models/bikes/decisions/0001-x.md', false],
  ['models/bikes/problem.yml', false],
  ['models/bikes/data.yml', false],
  ['models/bikes/model.yml', false],
  ['models/bikes/operate.yml', false],
  ['models/bikes2/train.py', false],
  ['models/cars/package-lock.json', false],
  ['lib/ab.py', false],
  ['README.md', false],
  ['.github/roundhouse.yml', false],
])('%s is code: %s', (path, expected) => {
  expect(isCode(path, options)).toBe(expected);
});

describe('globs', () => {
  test.each([
    ['a/b/c.sql', '**', true],
    ['a/b/c.sql', '**/*.sql', true],
    ['c.sql', '**/*.sql', true],
    ['a/b/c.sql', 'a/**/c.sql', true],
    ['a/c.sql', 'a/**/c.sql', true],
    ['a/b/c.sql', 'a/*.sql', false],
    ['a/b', 'a/b/**', true],
    ['ab', 'a', false],
    ['a.b', 'a?b', true],
    ['', '*', true],
  ])('%s matches %s: %s', (path, glob, expected) => {
    expect(matchesGlob(path, glob)).toBe(expected);
  });
  test('a glob made to backtrack is answered at once', () => {
    const started = performance.now();
    expect(matchesGlob(`${'a/'.repeat(200)}${'a'.repeat(4_000)}`, `**/${'*a'.repeat(40)}*b`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('code digest', () => {
  const file = fc.record({
    path: fc.stringMatching(/^models\/bikes\/[a-z]{1,8}\.(py|sql)$/),
    blob: fc.stringMatching(/^[0-9a-f]{40}$/),
  });
  const files = fc.uniqueArray(file, { selector: ({ path }) => path, minLength: 1, maxLength: 6 });
  const written = fc.constantFrom(
    'data.lock',
    'model.lock',
    'MODEL_CARD.md',
    'DATA_CARD.md',
    'PROBLEM.md',
    'changes/aa.md',
    'changes/bb.md',
  );
  const commit = fc.array(
    fc.record({
      path: written.map((name) => `models/bikes/${name}`),
      blob: fc.stringMatching(/^[0-9a-f]{40}$/),
    }),
    { maxLength: 5 },
  );

  test('a lock commit leaves it unchanged, in whatever order the tree is listed', () => {
    fc.assert(
      fc.property(files, commit, fc.func(fc.integer()), (tree, locks, order) => {
        const after = [...tree, ...locks].sort((a, b) => order(a.path) - order(b.path));
        expect(codeDigest(after, options)).toBe(codeDigest(tree, options));
      }),
    );
  });
  test('any other byte changes it', () => {
    fc.assert(
      fc.property(files, fc.nat(), (tree, pick) => {
        const index = pick % tree.length;
        const after = tree.map((entry, at) => (at === index ? { ...entry, blob: 'f'.repeat(39) } : entry));
        expect(codeDigest(after, options)).not.toBe(codeDigest(tree, options));
      }),
    );
  });
});

describe('digests of parsed files', () => {
  const { data, model, problem, policy } = bikes();
  const texts = bikesTexts();
  const reparse = (kind: 'data' | 'model', edit: (text: string) => string) =>
    parseConfig(kind, { file: kind, text: edit(texts[kind].text) });

  test('comments, key order, quotes and defaults written out change nothing', () => {
    const noComments = (text: string) => text.replace(/^ *#.*\n/gm, '');
    const edited = reparse('data', (text) =>
      noComments(text).replace('time: ts\n', '').concat('time: "ts"\nholdout: { max_looks: 50 }\n'),
    );
    expect(configDigest(model, edited as typeof data)).toBe(configDigest(model, data));
    expect(configDigest(reparse('model', noComments) as typeof model, data)).toBe(configDigest(model, data));
  });
  test('labels and looks steer monitoring, not training', () => {
    const other = { ...data, labels: { lag: 'P2D', min_coverage: 0.5 }, holdout: { max_looks: 3 } };
    expect(configDigest(model, other)).toBe(configDigest(model, data));
  });
  test('seed, window, inputs and sources change it', () => {
    const changes = [
      configDigest({ ...model, seed: 2 }, data),
      configDigest(model, { ...data, window: 'all' }),
      configDigest(model, { ...data, inputs: {} }),
      configDigest(model, { ...data, sources: [] }),
    ];
    expect(new Set([...changes, configDigest(model, data)]).size).toBe(5);
  });
  test('the gates digest follows what an evaluation reads', () => {
    expect(gatesDigest({ ...problem, title: 'other', risk: 'high' }, data)).toBe(gatesDigest(problem, data));
    expect(gatesDigest({ ...problem, value: null }, data)).not.toBe(gatesDigest(problem, data));
    expect(gatesDigest({ ...problem, gates: [] }, data)).not.toBe(gatesDigest(problem, data));
    expect(problemDigest({ ...problem, title: 'other' })).not.toBe(problemDigest(problem));
    expect(policyDigest({ ...policy, pace: { batch_seconds: 3 } })).not.toBe(policyDigest(policy));
  });
});

describe('evaluation and candidate', () => {
  test('the look and the bytes of a Parquet file stay out, figures do not', () => {
    const base = evaluateResult();
    const part = { ...base.recent.part, object: digest('0') };
    expect(evaluationDigest(evaluateResult({ recent: holdout({ look: 9, part }) }))).toBe(
      evaluationDigest(base),
    );
    expect(evaluationDigest(evaluateResult({ recent: holdout({ rows: 654 }) }))).not.toBe(
      evaluationDigest(base),
    );
    expect(
      evaluationDigest(evaluateResult({ recent: holdout({ part: { ...part, content: digest('0') } }) })),
    ).not.toBe(evaluationDigest(base));
    expect(evaluationDigest(evaluateResult({ anchor: holdout() }))).not.toBe(evaluationDigest(base));
  });
  test('every part of a candidate changes its digest', () => {
    const parts = {
      model: 'bikes',
      data: digest('1'),
      code: digest('2'),
      config: digest('3'),
      gates: digest('4'),
      served: digest('5'),
      evaluation: digest('6'),
      policy: digest('7'),
    };
    const others = Object.keys(parts).map((key) =>
      candidateDigest({ ...parts, [key]: key === 'model' ? 'cars' : digest('0') }),
    );
    expect(new Set([...others, candidateDigest(parts)]).size).toBe(9);
  });
});

test('of a problem that was approved before problem.yml had more words are what they were', () => {
  const gate = { kind: 'threshold', name: 'g', metric: 'rmse', at_most: 90 };
  const former = problemSchema.parse({
    ...{ version: 1, model: 'bikes', title: 't', objective: 'o', decision: 'd' },
    ...{ task: { kind: 'regression' }, target: 'cnt', gates: [gate] },
    success: [{ metric: 'mae', direction: 'minimize', threshold: 50 }],
    stakeholders: [{ login: 'a', role: 'ml-lead' }],
  });
  expect(problemDigest(former)).toBe(
    'sha256:23718562cd41aca98a4e53d04f86934e678d84cfc28e021386c62d0202111891',
  );
  expect(gatesDigest(former, bikes().data)).toBe(
    'sha256:33728c85a3bc114f32a902c85e609bc3467ee7f93bbc35d913e9e78ae213813c',
  );
  const sized = { ...former, constraints: { ...former.constraints, size_mb: 5 } };
  const sliced = {
    ...former,
    success: former.success.map((one) => ({ ...one, slice: { column: 'a', value: 1 } })),
  };
  const told = { ...former, baseline: { how: 'by hand', value: null } };
  const digests = [former, sized, sliced, told].flatMap((problem) => [problemDigest(problem)]);
  expect(new Set(digests).size).toBe(4);
  expect(new Set([former, sized, sliced].map((problem) => gatesDigest(problem, bikes().data))).size).toBe(3);
  expect(gatesDigest(told, bikes().data)).toBe(gatesDigest(former, bikes().data));
});
