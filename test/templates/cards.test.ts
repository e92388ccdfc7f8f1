import { marked, type Token } from 'marked';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { ModelLock } from '#lib/lifecycle/locks.ts';
import {
  renderCardSection,
  renderChangeNote,
  renderDataCard,
  renderDataSection,
  renderModelCard,
  renderProblem,
} from '../../templates/cards.ts';
import { answers, bikes, bikesProblem } from '../formats/bikes.ts';
import { dataResult, digest, evaluateResult, holdout, trainResult } from '../formats/sample-evidence.ts';

const { data, model } = bikes();
const problem = bikesProblem();
const facts = {
  problem,
  model,
  data: dataResult(),
  train: [trainResult()],
  evaluate: evaluateResult(),
  champion: { version: '1.0.0' },
  candidate: digest('c'),
  overrides: [],
};

describe('the section of a pull request', () => {
  const section = renderCardSection(facts);
  test('leads with the forward figure and its interval, and says whose figures they are', () => {
    expect(section).toContain(
      '**MAE 38.4 [34.6, 42.2]** on rows that nobody trained on, 2011-12-04 to 2011-12-31',
    );
    expect(section).toContain('interval over 28 blocks of 1 day, look 2 at this holdout');
    expect(section).toContain('These figures are of its twin');
    expect(section).toContain('trained on 8,645 rows, up to the newest, instead of 7,900');
  });
  test('compares with champion and trivial on the same rows', () => {
    expect(section).toContain(
      '| MAE (lower is better) | 38.4 [34.6, 42.2] | 45.1 [40.6, 49.6] | -6.70 [-9.20, -4.10] | 98.7 [88.8, 109] |',
    );
  });
  test('says that it is a nowcast', () => {
    expect(section).toContain('nowcast');
  });
  // Fact 34. cli/cli#14309.
  test('every chart has a table under it, and no table is broken', () => {
    const tokens = marked.lexer(section);
    const kinds = tokens
      .filter(({ type }) => type !== 'space')
      .map((token) => (token.type === 'code' ? token.lang : token.type));
    expect(kinds[kinds.indexOf('mermaid') + 1]).toBe('table');
    const tables = tokens.filter(({ type }) => type === 'table');
    expect(tables.filter(({ raw }) => raw.includes('details'))).toEqual([]);
    for (const line of section.split('\n').filter((text) => text.startsWith('|')))
      expect(line.endsWith('|')).toBe(true);
  });
  test('without a champion there is no column for one', () => {
    const first = renderCardSection({ ...facts, champion: null });
    expect(first).toContain('| metric | candidate | trivial | candidate − trivial |');
    expect(first).not.toContain('champion v');
  });
  test('an inconclusive gate that asks is told', () => {
    const [gate] = evaluateResult().gates;
    if (!gate) throw new Error('the sample has a gate');
    const gates = [{ ...gate, verdict: 'inconclusive' as const }];
    const text = renderCardSection({
      ...facts,
      evaluate: evaluateResult({ gates, verdict: 'inconclusive' }),
    });
    expect(text).toContain('⚠️ Model `bikes`: the data cannot tell for every gate');
    expect(text).toContain('One more approval, by the owner of the gates');
  });
});

test.each(['section', 'card'])('a %s never shows NaN, undefined or an object', (kind) => {
  const bare = {
    ...facts,
    train: [],
    candidate: null,
    evaluate: evaluateResult({
      recent: holdout({
        part: { ...holdout().part, from: null, until: null },
        comparisons: [
          {
            metric: 'mae',
            candidate: { estimate: Number.NaN, lower: null, upper: null },
            trivial: { estimate: 1, lower: null, upper: null },
            champion: null,
            candidate_minus_trivial: { estimate: 1, lower: null, upper: null },
            candidate_minus_champion: null,
          },
        ],
      }),
      refit_disagreement: null,
      slices: [],
      importance: [],
      value: null,
      gates: [],
    }),
  };
  const text = kind === 'section' ? renderCardSection(bare) : renderModelCard(bare);
  expect(text).not.toMatch(/NaN|undefined|\[object|null/);
});

describe('MODEL_CARD.md', () => {
  const card = renderModelCard(facts);
  test('its front matter is a model index of the Hugging Face Hub', () => {
    const front = parse(card.split('---\n')[1] ?? '') as Record<string, unknown>;
    expect(front).toMatchObject({
      library_name: 'onnx',
      pipeline_tag: 'tabular-regression',
      metrics: ['mae'],
      'model-index': [
        {
          name: 'bikes',
          results: [
            {
              task: { type: 'tabular-regression' },
              dataset: { name: 'bikes, 2011-12-04 to 2011-12-31', type: 'bikes', revision: digest('1') },
              metrics: [{ type: 'mae', value: 38.4 }],
            },
          ],
        },
      ],
    });
  });
  test('objective, limitations and the version to come', () => {
    expect(card).toContain('computed at merge');
    expect(card).toContain('- Demand grows from year to year');
    expect(card).toContain(`| Predicts | \`cnt\` |`);
  });
});

test('the data section counts rows and shows only broken rules', () => {
  expect(renderDataSection({ model: 'bikes', data, result: dataResult() })).toContain(
    'The contract holds (rules that hold: 12).',
  );
  const reasons = [
    {
      rule: 'minimum',
      verdict: 'failed' as const,
      expected: 'at least 0',
      actual: '3 rows below',
      where: 'cnt',
    },
  ];
  const failed = renderDataSection({
    model: 'bikes',
    data,
    result: dataResult({ contract: { verdict: 'failed', reasons } }),
  });
  expect(failed).toContain('| ❌ | minimum | `cnt` | at least 0 | 3 rows below |');
});

test('the data card lists every input with its meaning and rule', () => {
  const card = renderDataCard({ model: 'bikes', data, result: dataResult() });
  for (const name of Object.keys(data.inputs)) expect(card).toContain(`| \`${name}\` |`);
  expect(card).toContain('| `temp` | number | observed temperature');
  expect(card).toContain('CC BY 4.0');
});

test('PROBLEM.md names success, prices and who approved', () => {
  const approvals = [
    { login: 'ml-lead', roles: ['ml-lead'], at: '2027-01-02T03:04:05Z', url: 'http://127.0.0.1/c/1' },
  ];
  const text = renderProblem({ problem, digest: digest('d'), approvals });
  expect(text).toContain(`| MAE | mean absolute error | at most ${answers.threshold} |`);
  expect(text).toContain('1.5 USD for each rental too few');
  expect(text).toContain('| `ml-lead` | ml-lead | 2027-01-02 | [comment](http://127.0.0.1/c/1) |');
  expect(renderProblem({ problem, digest: digest('d'), approvals: [] })).toContain(
    'Nobody has approved it yet.',
  );
});

test('the change note names what changed and by how much', () => {
  const after = {
    data: digest('2'),
    code: digest('3'),
    config: digest('4'),
    gates: digest('5'),
    policy: digest('6'),
    window: { from: '2012-01-02T00:00:00Z', until: '2012-04-01T00:00:00Z' },
    trainer: 'mlp',
  };
  const before: ModelLock = {
    ...after,
    version: 1,
    candidate: digest('0'),
    data: digest('1'),
    config: digest('1'),
    evaluation: digest('7'),
    model: digest('8'),
    twin: digest('9'),
    refit: 'full',
    bundle: digest('a'),
    metrics: {},
    window: null,
  };
  const note = renderChangeNote({
    model: 'bikes',
    candidate: digest('c'),
    before,
    after,
    evaluate: evaluateResult(),
    champion: { version: '1.0.0' },
  });
  expect(note).toContain('Changed: data, configuration.');
  expect(note).toContain('| training window | – | 2012-01-02 to 2012-04-01 |');
  expect(note).toContain(
    '| MAE (lower is better) | 38.4 [34.6, 42.2] | 45.1 [40.6, 49.6] | -6.70 [-9.20, -4.10] |',
  );
});

test('hostile names, labels and notes make no link, mention or element', () => {
  const evil = '@acme [x](https://evil.example) <img src=x> | `code`';
  const rendered = [
    renderCardSection({
      ...facts,
      model: { ...model, description: evil, limitations: [evil] },
      evaluate: evaluateResult({
        search: [{ index: 1, name: evil, metric: 'mae', value: 1 }],
        slices: [
          {
            column: evil,
            value: evil,
            rows: 60,
            metric: 'mae',
            estimate: { estimate: 1, lower: null, upper: null },
          },
        ],
        importance: [{ column: evil, increase: 1 }],
        gates: [
          {
            name: evil,
            kind: 'threshold',
            verdict: 'failed',
            on_inconclusive: 'ask',
            expected: evil,
            actual: evil,
          },
        ],
      }),
    }),
    renderDataSection({
      model: 'bikes',
      data,
      result: dataResult({
        notes: [evil],
        contract: {
          verdict: 'failed',
          reasons: [{ rule: evil, verdict: 'failed', expected: evil, actual: evil, where: evil }],
        },
      }),
    }),
    renderProblem({
      problem: { ...problem, title: evil, objective: evil, target: evil },
      digest: digest('d'),
      approvals: [],
    }),
  ];
  for (const markdown of rendered) {
    const found: string[] = [];
    marked.walkTokens(marked.lexer(markdown), (token: Token) => {
      if (token.type === 'link' || token.type === 'image') found.push(token.type);
      if (token.type === 'html' && !/^\s*<\/?(details|summary|code)/.test(token.raw)) found.push(token.raw);
      if (token.type === 'text' && /@[a-z]/.test(token.raw)) found.push(token.raw);
    });
    expect(found).toEqual([]);
  }
});
