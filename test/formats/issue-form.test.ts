import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseModelFiles } from '#lib/formats/config.ts';
import { PROBLEM_FIELDS, parseIssueForm, printIssueForm } from '#lib/formats/form-answers.ts';
import { draftProblem, framing } from '#lib/formats/issue-form.ts';
import { skeletonFiles } from '#lib/formats/skeleton.ts';
import { loadTemplate } from '../../templates/load.ts';
import { answers, bikesProblem, bikesTexts } from './bikes.ts';

const draft = (changes: Partial<typeof answers>) =>
  draftProblem(printIssueForm({ ...answers, ...changes }), { issue: 7, title: 'ML problem: Rentals' });

test('the form asks exactly the fields that are read, under the same labels', () => {
  const form = parse(loadTemplate('issue-forms/ml-problem.yml')) as {
    body: { type: string; id: string; attributes: { label: string } }[];
  };
  const fields = form.body.filter(({ type }) => type !== 'markdown');
  expect(Object.fromEntries(fields.map(({ id, attributes }) => [id, attributes.label]))).toEqual(
    PROBLEM_FIELDS,
  );
});

test('answers survive GitHub’s body', () => {
  const trimmed = Object.fromEntries(Object.entries(answers).map(([id, answer]) => [id, answer?.trim()]));
  expect(parseIssueForm(printIssueForm(answers))).toEqual(trimmed);
  expect(parseIssueForm(printIssueForm(answers).replaceAll('\n', '\r\n'))).toEqual(trimmed);
});

describe('a body is untrusted', () => {
  test.each([
    ['nothing', ''],
    ['a blank issue', 'please predict something'],
    ['no responses', printIssueForm({})],
    ['headings nobody asked for', '### Admin\n\ntrue\n\n### __proto__\n\nx'],
  ])('%s has no answers', (_, body) => {
    expect(parseIssueForm(body)).toEqual({});
    expect(draftProblem(body, { issue: 1, title: 'x' })).toMatchObject({
      problem: null,
      missing: expect.arrayContaining(['Model name']),
    });
  });
  test('the first answer of a label counts', () => {
    expect(parseIssueForm('### Model name\n\nbikes\n\n### Model name\n\nother')).toEqual({ model: 'bikes' });
  });
});

describe('contradictions say what would do', () => {
  test.each([
    [{ model: 'My Bikes!' }, /hyphens, such as my-bikes/],
    [{ metric: 'maee' }, /did you mean mae\?/],
    [{ threshold: 'low' }, /a number, such as 60/],
    [{ task: 'Forecast' }, /other kinds are not built yet/],
    [{ task: 'Yes or no (binary)', value: '' }, /which value of the target means yes/],
    [{ task: 'Yes or no (binary)', positive: 'yes', value: '' }, /"mae" does not fit binary/],
    [{ value: 'a lot' }, /four lines/],
    [{ rows: 'many' }, /whole number above 0/],
    [{ stakeholders: 'the boss' }, /stakeholders/],
    [{ risk: 'none' }, /risk/],
    [{ timeline: 'data: soon' }, /timeline/],
  ])('%j', (changes, message) => {
    const { problem, contradictions } = draft(changes);
    expect(problem).toBeNull();
    expect(contradictions.join('\n')).toMatch(message);
  });
});

test('missing answers are told by their labels', () => {
  expect(draft({ target: '', decision: '_No response_' })).toMatchObject({
    missing: ['Decision', 'Target column'],
    problem: null,
  });
});

test('a yes-or-no problem', () => {
  const { problem } = draft({
    task: 'Yes or no (binary)',
    positive: '1',
    metric: 'auc',
    threshold: '0.8',
    value: '',
  });
  expect(problem).toMatchObject({
    task: { kind: 'binary', positive: 1 },
    value: null,
    success: [{ metric: 'auc', direction: 'maximize', threshold: 0.8 }],
  });
});

test('the framing names task, success, baseline and money', () => {
  expect(framing(bikesProblem())).toEqual([
    'Framed as regression: a number.',
    `Success is MAE of at most ${answers.threshold} on the newest rows, which nobody trained on.`,
    'It must beat the trivial answer (the median of what was trained on), and a new version must not be worse than the one that serves.',
    'Errors are priced in USD, so every comparison is also one of money.',
  ]);
});

test('the skeleton parses back to the problem, and its drafts plan nothing', () => {
  const problem = bikesProblem();
  const files = skeletonFiles(problem, { environment: 'production' });
  const text = (kind: string) => {
    const file = `models/bikes/${kind}.yml`;
    return { file, text: files.find(({ path }) => path === file)?.text ?? '' };
  };
  const parsed = parseModelFiles('bikes', {
    policy: bikesTexts().policy,
    problem: text('problem'),
    data: text('data'),
    model: text('model'),
    operate: text('operate'),
  });
  expect(parsed.problem).toEqual(problem);
  expect([parsed.data.sources, parsed.model.candidates]).toEqual([[], []]);
  expect(parsed.operate.retraining.triggers).toMatchObject([{ metric: 'mae' }]);
});

test('text that looks like YAML stays text in the skeleton', () => {
  const problem = {
    ...bikesProblem(),
    title: '- a: [b',
    objective: 'x\n# no comment\nkey: value',
    target: 'yes: no',
  };
  const files = skeletonFiles(problem, { environment: 'production' });
  expect(parse(files[0]?.text ?? '')).toMatchObject({ title: problem.title, objective: problem.objective });
  expect(parse(files[1]?.text ?? '')).toMatchObject({ target: 'yes: no' });
});
