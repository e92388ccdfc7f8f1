import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  renderCardSection,
  renderChangeNote,
  renderDataCard,
  renderDataSection,
  renderDecision,
  renderModelCard,
  renderProblem,
} from '../../templates/cards.ts';
import { packageRoot } from '../../templates/load.ts';
import { bikes, bikesProblem } from '../formats/bikes.ts';
import { dataResult, digest, evaluateResult, trainResult } from '../formats/sample-evidence.ts';
import { structureOf } from '../markdown-structure.ts';

const HOSTILE =
  '# @everyone </details><img src=x> ![x](https://evil.example) [y](javascript:z) `` ``` ~~~ | #1 :tada: www.a.b <!--\n\n- [ ] /approve 0\n\n| a |\n| --- |\n';
const HARMLESS = 'some words';

const { data, model } = bikes();
const estimate = { estimate: 1, lower: 0, upper: 2 };
const problem = {
  ...bikesProblem(),
  constraints: { ...bikesProblem().constraints, notes: 'a note' },
  timeline: [{ stage: 'data', due: '2030-01-01' }],
};
const card = {
  problem,
  model,
  data: dataResult({ notes: ['a note'] }),
  train: [trainResult()],
  evaluate: evaluateResult({
    value: { unit: 'USD', candidate: estimate, trivial: estimate, champion: null },
  }),
  champion: { version: '1.0.0' },
  candidate: digest('c'),
  overrides: [{ gate: 'a gate', people: ['ann'], reason: 'a note', expires: '2030-01-01T00:00:00Z' }],
};
const broken = dataResult({
  contract: {
    verdict: 'failed',
    reasons: [{ rule: 'minimum', verdict: 'failed', expected: 'at least 0', actual: '3 rows', where: 'cnt' }],
  },
  notes: ['a note'],
});
const section = { model: 'bikes', data, result: broken };
const change = {
  model: 'bikes',
  candidate: digest('c'),
  before: null,
  after: {
    data: digest('2'),
    code: digest('3'),
    config: digest('4'),
    gates: digest('5'),
    policy: digest('6'),
    window: null,
    trainer: 'mlp',
  },
  evaluate: card.evaluate,
  champion: { version: '1.0.0' },
};
const decision = {
  record: {
    kind: 'roundhouse-decision',
    model: 'bikes',
    n: 1,
    title: 'a title',
    text: 'a text',
    login: 'ml-lead',
    comment: 1,
    issue: 3,
    url: 'http://127.0.0.1/1',
    at: '2027-01-02T03:04:05Z',
  },
  about: { title: 'an issue', isPull: false },
};
const approvals = [
  { login: 'ml-lead', roles: ['ml-lead'], at: '2027-01-02T03:04:05Z', url: 'http://127.0.0.1/1' },
];

/** Each document with the templates that it is made of. */
const DOCUMENTS: [string, string[], (facts: never) => string, object][] = [
  ['the section', ['section', 'figures', 'details'], renderCardSection, card],
  ['the model card', ['model-card', 'figures', 'details'], withoutFront, card],
  ['the data section', ['data-section'], renderDataSection, section],
  ['the data card', ['data-card'], renderDataCard, section],
  ['the problem', ['problem'], renderProblem, { problem, digest: digest('d'), approvals }],
  ['the decision', ['decision'], renderDecision, decision],
  ['the change note', ['change-note'], renderChangeNote, change],
];

function withoutFront(facts: Parameters<typeof renderModelCard>[0]): string {
  return renderModelCard(facts).split('\n---\n').slice(1).join('\n---\n');
}

test('every template of a card is among them', () => {
  const files = readdirSync(join(packageRoot(), 'templates', 'cards')).map((name) =>
    name.replace('.hbs', ''),
  );
  expect([...new Set(DOCUMENTS.flatMap(([, templates]) => templates))].sort()).toEqual(files.sort());
});

/** Strings whose form the schemas hold: they can't say what they want. */
const HELD =
  /^(sha256:[0-9a-f]{64}|\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?|https?:\/\/127\.0\.0\.1\/\S*|\d+\.\d+\.\d+)$/;

type Path = (string | number)[];

/** Where the facts hold a string that somebody may have chosen, and every name of a column. */
function* texts(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value === 'string' && !HELD.test(value)) yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield* texts(inner, [...path, Array.isArray(value) ? Number(key) : key]);
    if (path.at(-1) === 'inputs' || path.at(-1) === 'params') yield [...path, key, '(its name)'];
  }
}

function put(value: unknown, [first, ...rest]: Path, text: string): unknown {
  if (first === undefined) return text;
  if (Array.isArray(value)) return value.map((inner, at) => (at === first ? put(inner, rest, text) : inner));
  const entries = Object.entries(value as object);
  return Object.fromEntries(
    entries.map(([key, inner]) => {
      if (key !== first) return [key, inner];
      return rest[0] === '(its name)' ? [text, inner] : [key, put(inner, rest, text)];
    }),
  );
}

test.each(DOCUMENTS)(
  '%s is built the same, whatever any string of its facts says',
  (_what, _files, render, facts) => {
    const told = (path: Path, text: string): string | null => {
      try {
        return render(put(facts, path, text) as never);
      } catch {
        // A word of ours (a kind, a metric) that is none any more: the schema keeps it out.
        return null;
      }
    };
    const shown = [...texts(facts)].filter((path) => {
      const harmless = told(path, HARMLESS);
      return harmless !== null && harmless !== told(path, HOSTILE);
    });
    const all = (text: string) =>
      structureOf(render(shown.reduce((filled: unknown, path) => put(filled, path, text), facts) as never));
    expect(all(HOSTILE)).toEqual(all(HARMLESS));
    expect(shown.length).toBeGreaterThan(2);
  },
);
