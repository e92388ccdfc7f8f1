import { describe, expect, test } from 'vitest';
import type { ModelLock } from '#lib/lifecycle/locks.ts';
import {
  decidePlan,
  type ModelFacts,
  modelsTouched,
  type RecordedEvaluation,
} from '#lib/lifecycle/plan-decision.ts';
import { digest } from '../formats/sample-evidence.ts';

const digests = {
  code: digest('1'),
  config: digest('2'),
  gates: digest('3'),
  policy: digest('4'),
  problem: digest('5'),
};
const candidate = digest('c');
const champion = digest('d');
const lock: ModelLock = {
  version: 1,
  candidate,
  data: digest('6'),
  code: digests.code,
  config: digests.config,
  gates: digests.gates,
  policy: digests.policy,
  evaluation: digest('7'),
  model: digest('8'),
  twin: digest('8'),
  refit: 'none',
  bundle: digest('9'),
  trainer: 'mlp',
  metrics: {},
  window: null,
};
const judged: RecordedEvaluation = { ...digests, candidate, champion };
const trained = { code: digests.code, config: digests.config, holdout: 'present' as const };
const former = { ...trained, holdout: 'former' as const };
const facts = (changes: Partial<ModelFacts>): ModelFacts => ({
  model: 'bikes',
  draft: false,
  digests,
  base: { ...digests, config: digest('0') },
  lock: null,
  baseLock: null,
  trainings: [],
  evaluations: [],
  champion,
  ...changes,
});
const plan = (changes: Partial<ModelFacts>, cause: 'head' | 'base' = 'head') =>
  decidePlan({ merge: 'f'.repeat(40), cause, models: [facts(changes)] });
const stages = (changes: Partial<ModelFacts>) => {
  const [model] = plan(changes).models;
  return model?.state === 'stages' ? model.needs.map(({ stage }) => stage) : model?.state;
};

describe('which stages run', () => {
  const all = ['data', 'train', 'evaluate'];
  test.each<[string, Partial<ModelFacts>, unknown]>([
    ['a new model', { base: null }, all],
    ['changed configuration', {}, all],
    ['a lock that nobody recorded', { lock }, all],
    ['trained, not judged', { trainings: [trained] }, ['evaluate']],
    [
      'gates changed',
      { trainings: [trained], evaluations: [{ ...judged, gates: digest('0') }] },
      ['evaluate'],
    ],
    [
      'policy changed',
      { trainings: [trained], evaluations: [{ ...judged, policy: digest('0') }] },
      ['evaluate'],
    ],
    [
      'champion changed',
      { lock, trainings: [trained], evaluations: [{ ...judged, champion: null }] },
      ['evaluate'],
    ],
    [
      'champion changed, and its holdout is another',
      { lock, trainings: [former], evaluations: [{ ...judged, champion: null }] },
      ['data', 'evaluate'],
    ],
    [
      'the holdout was built again beside the champion of now',
      { lock, trainings: [former, trained], evaluations: [{ ...judged, champion: null }] },
      ['evaluate'],
    ],
    ['judged, the locks not committed', { trainings: [trained], evaluations: [judged] }, 'lock'],
    ['judged and locked', { lock, trainings: [trained], evaluations: [judged] }, 'current'],
    [
      'a lock of another candidate',
      { lock: { ...lock, candidate: digest('0') }, evaluations: [judged] },
      'lock',
    ],
    [
      'promoted: it is the champion',
      { lock, evaluations: [{ ...judged, champion: null }], champion: candidate },
      'current',
    ],
    ['nothing of the model', { base: digests }, 'untouched'],
    ['nothing of the model, locks as on the base', { base: digests, lock, baseLock: lock }, 'untouched'],
    ['a draft', { draft: true, base: null }, 'definition'],
  ])('%s', (_, changes, expected) => {
    expect(stages(changes)).toEqual(expected);
  });

  test('reasons say what changed', () => {
    const [model] = plan({ lock: { ...lock, code: digest('0') } }).models;
    expect(model).toMatchObject({ needs: [{ reason: 'code changed' }, {}, {}] });
    expect(
      plan({ lock, trainings: [trained], evaluations: [{ ...judged, champion: null }] }).models,
    ).toMatchObject([{ needs: [{ stage: 'evaluate', reason: 'the champion changed' }] }]);
  });
});

describe('the base moves', () => {
  const before: RecordedEvaluation = { ...judged, config: digest('0') };
  test('inputs changed: out of date, nothing runs', () => {
    expect(plan({ lock, evaluations: [before] }, 'base')).toMatchObject({ state: 'out-of-date' });
  });
  test('inputs changed under a branch without locks of its own: the stages run', () => {
    expect(plan({ lock, baseLock: lock, evaluations: [before] }, 'base')).toMatchObject({ state: 'work' });
  });
  test('the same facts after a push of the author run the stages', () => {
    expect(plan({ lock, evaluations: [before] }, 'head')).toMatchObject({ state: 'work' });
  });
  test('champion changed: evaluate only', () => {
    const changes = { lock, trainings: [trained], evaluations: [{ ...judged, champion: null }] };
    expect(plan(changes, 'base').models).toMatchObject([{ needs: [{ stage: 'evaluate' }] }]);
  });
  test('inputs equal: carried over', () => {
    expect(plan({ lock, evaluations: [judged] }, 'base')).toMatchObject({ state: 'current' });
  });
});

describe('the pull request as a whole', () => {
  test('a conflict is out of date', () => {
    expect(decidePlan({ merge: null, cause: 'head', models: [facts({})] })).toMatchObject({
      state: 'out-of-date',
      models: [{ state: 'out-of-date', reason: expect.stringContaining('conflicts') }],
    });
  });
  test.each<[string, Partial<ModelFacts>[], string]>([
    ['no model', [], 'nothing'],
    ['untouched', [{ base: digests }], 'nothing'],
    ['definition and nothing', [{ draft: true, base: null }, { base: digests }], 'definition'],
    ['work beside a definition', [{ draft: true, base: null }, {}], 'work'],
    ['current beside untouched', [{ lock, evaluations: [judged] }, { base: digests }], 'current'],
  ])('%s', (_, models, state) => {
    expect(decidePlan({ merge: 'f'.repeat(40), cause: 'head', models: models.map(facts) }).state).toBe(state);
  });
});

test('models touched are those whose folder holds a changed path', () => {
  const paths = [
    'models/cars/data.yml',
    'README.md',
    'models/bikes/pipeline/a.sql',
    'models/bikes/model.yml',
    'models/x',
  ];
  expect(modelsTouched(paths)).toEqual(['bikes', 'cars']);
});
