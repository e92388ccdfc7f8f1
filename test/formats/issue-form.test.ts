import fc from 'fast-check';
import { marked, type Token } from 'marked';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseModelFiles } from '#lib/formats/config.ts';
import { problemDigest } from '#lib/formats/digests.ts';
import {
  type FormAnswers,
  PROBLEM_FIELDS,
  parseIssueForm,
  printIssueForm,
} from '#lib/formats/form-answers.ts';
import { CONFIRMATIONS, draftProblem, framing } from '#lib/formats/issue-form.ts';
import { render } from '#lib/formats/markdown.ts';
import { answersTable, problemTable } from '#lib/formats/problem-document.ts';
import { skeletonFiles } from '#lib/formats/skeleton.ts';
import { problemSchema } from '#lib/lifecycle/problem.ts';
import { loadTemplate } from '../../templates/load.ts';
import { answers, bikes, bikesProblem, bikesTexts, OPENED } from './bikes.ts';

const context = { issue: 7, title: 'ML problem: Rentals', opened: OPENED, policy: bikes().policy };
const draft = (changes: FormAnswers) => draftProblem(printIssueForm({ ...answers, ...changes }), context);

test('the form asks exactly the fields that are read, under the same labels', () => {
  const form = parse(loadTemplate('issue-forms/ml-problem.yml')) as {
    body: { type: string; id: string; attributes: { label: string } }[];
  };
  const fields = form.body.filter(({ type }) => type !== 'markdown');
  expect(Object.fromEntries(fields.map(({ id, attributes }) => [id, attributes.label]))).toEqual(
    PROBLEM_FIELDS,
  );
});

test('its boxes are those that are asked for', () => {
  const form = parse(loadTemplate('issue-forms/ml-problem.yml')) as {
    body: { id?: string; attributes: { options?: { label: string }[] } }[];
  };
  const boxes = form.body.find(({ id }) => id === 'confirmed')?.attributes.options ?? [];
  expect(boxes.map(({ label }) => label)).toEqual(CONFIRMATIONS);
});

describe('a body that people edited', () => {
  const trimmed = Object.fromEntries(Object.entries(answers).map(([id, answer]) => [id, answer.trim()]));
  const body = printIssueForm(answers);
  const backwards = body
    .split(/\n\n(?=### )/)
    .toReversed()
    .join('\n\n');
  test.each([
    ['as GitHub writes it', body],
    ['with other line ends', body.replaceAll('\n', '\r\n')],
    ['in another order', backwards],
    ['with other headings', body.replaceAll('### ', '## ').replace('Model name', 'model name:')],
    ['with words before it', `Hello!\n\n${body}`],
  ])('%s has the same answers', (_, text) => {
    expect(parseIssueForm(text)).toEqual({ answers: trimmed, twice: [] });
  });
  test('lacks what stood under a heading that was deleted', () => {
    const found = draftProblem(body.replace('### Decision\n', ''), context);
    expect(found).toMatchObject({ missing: ['Decision'], problem: null });
  });
  test('answers twice: the first counts, and another one is told', () => {
    const doubled = '### Model name\n\nbikes\n\n### Model name\n\nother';
    expect(parseIssueForm(doubled)).toEqual({ answers: { model: 'bikes' }, twice: ['Model name'] });
    expect(parseIssueForm(`${body}\n\n${body}`).twice).toEqual([]);
    expect(draftProblem(`${body}\n\n### Risk\n\nhigh`, context).contradictions).toEqual([
      'Risk: answered twice, and differently',
    ]);
  });
  test('keeps headings of its own, and code, in the answer', () => {
    const objective = 'First\n\n### Why\n\n```\n### Model name\n\nevil\n```';
    expect(parseIssueForm(printIssueForm({ ...answers, objective })).answers).toMatchObject({
      objective,
      model: 'bikes',
    });
  });
  test('waits until its boxes are ticked', () => {
    const found = draftProblem(body.replace('- [X] The data', '- [ ] The data'), context);
    expect(found).toMatchObject({
      missing: [`tick: ${CONFIRMATIONS[0]}`],
      contradictions: [],
      problem: null,
    });
  });
});

describe('a body is untrusted', () => {
  test.each([
    ['nothing', ''],
    ['a blank issue', 'please predict something'],
    ['no responses', printIssueForm({})],
    ['headings nobody asked for', '### Admin\n\ntrue\n\n### __proto__\n\nx'],
  ])('%s has no answers', (_, body) => {
    expect(parseIssueForm(body)).toEqual({ answers: {}, twice: [] });
    expect(draftProblem(body, context)).toMatchObject({
      problem: null,
      contradictions: [],
      missing: expect.arrayContaining(['Model name']),
    });
  });

  const words = fc.oneof(
    fc.constantFrom(...Object.values(PROBLEM_FIELDS), ...Object.values(answers)),
    fc.constantFrom('->: 5', '__proto__ -> yes: 1', 'unit: EUR', ': : :', 'mae where @a = #1: <b>', '```'),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
  );
  const section = fc.tuple(fc.constantFrom('### ', '# ', '- [X] ', ''), words).map((pair) => pair.join(''));
  const bodies = fc.array(section, { maxLength: 60 }).map((lines) => lines.join('\n'));
  const someAnswers = fc
    .dictionary(fc.constantFrom(...(Object.keys(PROBLEM_FIELDS) as (keyof typeof answers)[])), words)
    .map((changes) => printIssueForm({ ...answers, ...changes }));
  test('any body is read without a fault, and what is said about it is inert', () => {
    fc.assert(
      fc.property(fc.oneof(bodies, someAnswers), (body) => {
        const found = draftProblem(body, context);
        const said = render(
          '{{#each understood}}\n| {{what}} | {{text}} |\n{{/each}}\n\n{{#each told}}\n- {{this}}\n{{/each}}',
          {
            understood: found.problem ? problemTable(found.problem) : answersTable(found.answers),
            told: [...found.missing, ...found.contradictions, ...found.notes],
          },
        );
        marked.walkTokens(marked.lexer(said), (token: Token) => {
          if (['link', 'image', 'html', 'code', 'heading'].includes(token.type)) throw new Error(token.raw);
        });
        if (/@[A-Za-z0-9]|:\/\//.test(said)) throw new Error(said);
        if (found.problem) {
          const [file] = skeletonFiles(found.problem, { environment: 'production' });
          const again = problemSchema.parse(parse(file?.text ?? ''));
          if (problemDigest(again) !== problemDigest(found.problem)) throw new Error('it changes on its way');
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('contradictions say what would do', () => {
  test.each<[FormAnswers, RegExp]>([
    [{ model: 'My Bikes!' }, /hyphens, such as my-bikes/],
    [{ metric: 'maee' }, /did you mean mae\?/],
    [{ threshold: 'low' }, /a number, such as 60/],
    [{ threshold: 'at least 50' }, /wrong side: of mae lower is better/],
    [{ threshold: '-5' }, /mae is never -5/],
    [{ metric: 'r2', threshold: '0' }, /r2 of 0 is guessing/],
    [{ metric: 'r2', threshold: '1' }, /without any error/],
    [{ task: 'Forecast' }, /not built yet: frame a forecast as a number/],
    [{ task: 'Yes or no (binary)', value: '' }, /which value of the target means yes/],
    [{ task: 'Yes or no (binary)', positive: 'yes', value: '' }, /"mae" does not fit binary/],
    [{ value: 'a lot' }, /four lines/],
    [{ rows: 'many' }, /whole number above 0/],
    [{ size: '0' }, /Size limit: a number above 0/],
    [{ more: 'rmse 90' }, /More success metrics: a line each/],
    [{ more: 'rmse: at least 90' }, /More success metrics: .*wrong side/],
    [{ more: 'mae where cnt = 5: 60' }, /looks at the answer/],
    [{ more: 'mae where holiday = 1: 60' }, /not among what is known/],
    [{ baseline: 'value: 45' }, /a model that makes things worse would pass/],
    [{ baseline: 'value: good' }, /such as "value: 72"/],
    [{ columns: 'temp' }, /a column and its type/],
    [{ columns: 'cnt: number' }, /it would leak/],
    [{ columns: 'temp: number\ntemp: number' }, /"temp" is there twice/],
    [{ explainability: 'some' }, /none, global or per prediction/],
    [{ stakeholders: 'the boss' }, /stakeholders/],
    [
      { stakeholders: 'product-owner: king' },
      /no role "king"; it has product-owner, data-scientist, ml-lead/,
    ],
    [
      { stakeholders: 'data-scientist: data-scientist' },
      /no owner: name somebody who is product-owner or ml-lead/,
    ],
    [{ stakeholders: 'stranger: ml-lead' }, /no owner/],
    [{ risk: 'none' }, /risk/],
    [{ timeline: 'data: soon' }, /timeline/],
    [{ timeline: 'party: 2026-04-01' }, /"party" is no stage; there are problem definition/],
    [{ timeline: 'data: 2026-02-01' }, /due on 2026-02-01, before this was asked for/],
    [{ timeline: 'model: 2026-04-01\ndata: 2026-05-01' }, /model is due on 2026-04-01, before data/],
    [{ timeline: 'model: 2026-04-01\nmodel: 2026-05-01' }, /model has two dates/],
    [{ objective: 'x'.repeat(6000) }, /6000 characters/],
  ])('%j', (changes, message) => {
    const { problem, contradictions } = draft(changes);
    expect(problem).toBeNull();
    expect(contradictions.join('\n')).toMatch(message);
  });
  const yes: FormAnswers = { task: 'Yes or no (binary)', positive: 'yes', metric: 'auc', threshold: '0.8' };
  test.each<[string, RegExp]>([
    ['under: 2\nover: 1\nunit: EUR\nper: call', /a line for each mistake/],
    ['no -> yes: 5\nyes -> no: 50', /say in which unit/],
    ['no -> yes: five\nunit: EUR', /is no cost/],
    ['no -> maybe: 5\nmaybe -> no: 5\nunit: EUR', /lacks the class "yes", which means yes/],
    ['no -> yes: 5\nunit: EUR', /lacks a cost for actual "yes", predicted "no"/],
    ['no -> yes: 5\nyes -> maybe: 5\nunit: EUR', /it names 3/],
  ])('a cost matrix of %j', (value, message) => {
    const { problem, contradictions } = draft({ ...yes, value });
    expect(problem).toBeNull();
    expect(contradictions.join('\n')).toMatch(message);
  });
  test('a share that was typed as a percentage', () => {
    expect(draft({ ...yes, value: '', metric: 'accuracy', threshold: '85' }).contradictions).toEqual([
      'success.0.threshold: accuracy is never 85; it lies between 0 and 1: did you mean 0.85?',
    ]);
  });
});

test('what is wrong is told beside what is missing', () => {
  const found = draft({ decision: '', threshold: 'at least 50', stakeholders: 'product-owner: king' });
  expect(found).toMatchObject({ missing: ['Decision'], problem: null });
  expect(found.contradictions).toEqual([
    expect.stringMatching(/wrong side/),
    expect.stringMatching(/no role "king"/),
  ]);
});

test('what decides about money, rows and limits is read', () => {
  const { problem, notes } = draft({
    ...{ task: 'Yes or no (binary)', positive: 'yes', metric: 'auc', threshold: '≥ 85 %' },
    more: '- f1 where season = 4: 0.7\n- log_loss: at most 0.5',
    value: 'unit: EUR\nno → yes: 5\nyes -> no: 50',
    baseline: 'how: by hand\nvalue: 0.6',
    columns: 'season: category\ntemp: number',
    explainability: 'per prediction',
    stakeholders: '@product-owner: product-owner\nstranger: data-scientist',
  });
  expect(problem).toMatchObject({
    success: [
      { metric: 'auc', direction: 'maximize', threshold: 0.85, slice: null },
      { metric: 'f1', direction: 'maximize', threshold: 0.7, slice: { column: 'season', value: 4 } },
      { metric: 'log_loss', direction: 'minimize', threshold: 0.5, slice: null },
    ],
    baseline: { how: 'by hand', value: 0.6 },
    value: { kind: 'classes', unit: 'EUR', cost: { no: { no: 0, yes: 5 }, yes: { yes: 0, no: 50 } } },
    constraints: { size_mb: 5, explainability: 'per_prediction' },
    data: {
      columns: [
        { name: 'season', type: 'category' },
        { name: 'temp', type: 'number' },
      ],
    },
  });
  expect(notes.join('\n')).toMatch(/stranger is not data-scientist in .*: nobody is asked/);
  expect(notes.join('\n')).toMatch(/A reason for each prediction is written down, and not built yet/);
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
  expect(parsed.data.inputs).toMatchObject({ temp: { from: 'request', type: 'number' } });
  expect(parsed.data.contract).toMatchObject({
    columns: {
      temp: { type: 'number', required: true },
      weathersit: { type: 'string' },
      cnt: { type: 'number' },
    },
    rows: { minimum: 1000 },
  });
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
