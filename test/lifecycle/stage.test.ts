import { expect, test } from 'vitest';
import { lifecycleStage, type StageFacts } from '#lib/lifecycle/stage.ts';

const none: StageFacts = {
  defined: false,
  dataReady: false,
  registered: false,
  serving: false,
  retraining: false,
};

test.each<[Partial<StageFacts>, string]>([
  [{}, 'problem definition'],
  [{ dataReady: true, registered: true }, 'problem definition'],
  [{ defined: true }, 'data engineering'],
  [{ defined: true, dataReady: true }, 'model development'],
  [{ defined: true, dataReady: true, registered: true }, 'deployment'],
  [{ defined: true, dataReady: true, registered: true, serving: true }, 'monitoring'],
  [{ defined: true, dataReady: true, registered: true, serving: true, retraining: true }, 'retraining'],
])('%j: %s', (facts, stage) => {
  expect(lifecycleStage({ ...none, ...facts })).toBe(stage);
});
