import { expect, test } from 'vitest';
import { stateBranch } from '#lib/github/state-branch.ts';
import { decisionFile } from '#lib/lifecycle/decision.ts';
import { readDecisions } from '#lib/records/decisions.ts';
import { recordPath, recordText } from '#lib/records/records.ts';
import { fakeTrees } from '../github/fake-trees.ts';
import { recorded } from './recorded.ts';

const record = {
  kind: 'roundhouse-decision',
  model: 'bikes',
  n: 2,
  title: 'keep the window',
  text: 'keep the window. A shorter one forgot the winter',
  login: 'ml-lead',
  comment: 9,
  issue: 12,
  url: 'https://github.com/acme/bikes/pull/12#issuecomment-9',
  at: '2026-03-02T10:00:00Z',
};

async function branch() {
  const runs = [...recorded().files].flatMap(([path, text]) =>
    path.startsWith('runs/') ? [{ path, text }] : [],
  );
  let now = new Date('2026-03-01T10:00:00Z');
  const state = stateBranch({ trees: fakeTrees().trees, batchSeconds: () => 0, now: () => now });
  const told = async (
    audit: Parameters<typeof state.write>[0]['audit'],
    changes = [] as { path: string; text: string }[],
  ) => {
    await state.write({ changes, audit });
    now = new Date(now.getTime() + 3_600_000);
  };
  await told({ event: 'evidence taken', actor: 'app', subject: 'run 7 of bikes', model: 'bikes' }, runs);
  await told({ event: 'held', actor: 'ml-lead', subject: '#3', note: '' });
  await told({ event: 'held', actor: 'ml-lead', subject: '#13' });
  await told({ event: 'objected', actor: 'product-owner', subject: '#1', note: 'too early' });
  await told({
    event: 'approved',
    actor: 'ml-lead',
    subject: 'candidate of bikes',
    model: 'bikes',
    digest: 'sha256:a',
  });
  await told({ event: 'approved', actor: 'ml-lead', subject: 'candidate of taxis', model: 'taxis' });
  await told(
    {
      event: 'decided',
      actor: 'ml-lead',
      subject: 'bikes decision 2: keep the window',
      model: 'bikes',
      note: record.text,
    },
    [{ path: recordPath.decision('bikes', 2), text: recordText(record) }],
  );
  return state;
}

const byHand = {
  path: 'models/bikes/decisions/0001-linear-first.md',
  text: '# 1. Linear first\n\nDate: 2026-02-01\n',
};

test('the log of a model has its files and what was recorded of it, and nothing of other models', async () => {
  const decisions = await readDecisions(await branch(), { model: 'bikes', issue: 1, files: [byHand] });
  expect(decisions.map(({ what, subject, why }) => [what, subject, why])).toEqual([
    ['decided', 'Linear first', null],
    ['held', '#3', null],
    ['objected', '#1', 'too early'],
    ['approved', 'candidate of bikes', null],
    ['decided', 'keep the window', record.text],
  ]);
  expect(decisions.at(-1)?.file).toEqual({ path: decisionFile(record), there: false });
});

test('a decision whose file is merged is one decision', async () => {
  const file = { path: decisionFile(record), text: '# 2. keep the window\n' };
  const decisions = await readDecisions(await branch(), { model: 'bikes', issue: null, files: [file] });
  const written = decisions.filter(({ what }) => what === 'decided');
  expect(written.map((one) => one.file)).toEqual([{ path: file.path, there: true }]);
});
