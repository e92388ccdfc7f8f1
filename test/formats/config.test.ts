import { describe, expect, test } from 'vitest';
import {
  type ConfigKind,
  editDataYaml,
  parseConfig,
  parseModelFiles,
  readConfig,
  renderLock,
} from '#lib/formats/config.ts';
import type { DataLock, ModelLock } from '#lib/lifecycle/locks.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { answers, bikes, bikesTexts } from './bikes.ts';
import { digest } from './sample-evidence.ts';

const faults = (kind: ConfigKind, text: string) => {
  const parsed = readConfig(kind, { file: 'f.yml', text });
  return parsed.ok ? [] : parsed.faults;
};

const PROBLEM = `version: 1
model: bikes
title: Bikes
objective: o
decision: d
task: { kind: regression }
target: cnt
success: [{ metric: mae, direction: minimize, threshold: 60 }]
stakeholders: [{ login: lea, role: ml-lead }]
`;
const DATA = `version: 1
key: [id]
target: cnt
inputs: { cnt: { from: request, type: number } }
split: { by: key, recent: 0.2, validation: 0.1 }
`;
const POLICY = `version: 1
roles: { ml-lead: { people: [lea] } }
approvals:
  model: { required: 1, roles: [boss] }
  problem: { required: 1, roles: [ml-lead] }
  inconclusive: { required: 1, roles: [ml-lead] }
environments: [{ name: production, target: { kind: process, url: "http://localhost:1" } }]
`;

test('the demo’s files parse and agree', () => {
  const files = bikes();
  expect(files.data.window).toEqual({ last: 'P365D', until: '2012-01-01T00:00:00Z' });
  expect(Object.keys(files.data.inputs)).not.toContain('season');
  expect(files.model.candidates.map(({ trainer }) => trainer)).toEqual(['linear', 'mlp']);
  expect(files.problem.success).toEqual([
    { metric: 'mae', direction: 'minimize', threshold: Number(answers.threshold), slice: null },
  ]);
});

describe('a fault names line, column, value and what is expected', () => {
  test.each<[string, ConfigKind, string, string]>([
    [
      'an unknown key, the nearest known',
      'model',
      'version: 1\npredictor: onnx\ncandidats: []\n',
      'f.yml:3:1: unknown key "candidats"; did you mean "candidates"?',
    ],
    [
      'an unknown key far from all',
      'model',
      'version: 1\npredictor: onnx\ncolour: red\n',
      'f.yml:3:1: unknown key "colour"; known keys: version, predictor, candidates, seed, refit, code, description, limitations',
    ],
    [
      'a wrong type',
      'model',
      'version: 1\npredictor: onnx\nseed: one\n',
      'f.yml:3:7: seed is "one"; expected: a number',
    ],
    [
      'a wrong word',
      'model',
      'version: 1\npredictor: onnx\nrefit: ful\n',
      'f.yml:3:8: refit is "ful"; expected: one of none, full; did you mean "full"?',
    ],
    [
      'out of range',
      'model',
      'version: 1\npredictor: onnx\nseed: -1\n',
      'f.yml:3:7: seed is -1; expected: at least 0',
    ],
    ['a missing key', 'model', 'predictor: onnx\n', 'f.yml:1:1: version is missing; expected: 1'],
    [
      'a wrong kind',
      'model',
      'version: 1\npredictor: onnx\ncandidates:\n  - { trainer: mpl, name: a }\n',
      'f.yml:4:16: candidates[0].trainer is "mpl"; did you mean "mlp"?',
    ],
    [
      'not built yet, and nothing else',
      'model',
      'version: 1\npredictor: onnx\ncandidates:\n  - { trainer: trees, name: a, depth: 3 }\n',
      'f.yml:4:16: candidates[0].trainer: "trees" is not built yet: use "linear", "mlp" or "command"',
    ],
    [
      'a key in a union of blocks',
      'data',
      'version: 1\nkey: [id]\ntarget: y\ninputs: {}\nsplit: { by: key, recent: 0.2, validation: 0.1 }\nunit: { blok: P1D }\n',
      'f.yml:6:9: unknown key "blok"; did you mean "block"?',
    ],
    [
      'an input named like a column of the prediction log',
      'data',
      'version: 1\nkey: [id]\ntarget: y\ninputs:\n  Label: { from: request, type: number }\nsplit: { by: key, recent: 0.2, validation: 0.1 }\n',
      'f.yml:5:3: inputs.Label: every prediction log has a column of this name: rename the input in the last step (taken: prediction_id, event_time, version, prediction, label, probabilities)',
    ],
    [
      'a column of two lines',
      'data',
      'version: 1\nkey: ["a\\nb"]\ntarget: y\ninputs: {}\nsplit: { by: key, recent: 0.2, validation: 0.1 }\n',
      "f.yml:2:7: key[0]: a column's name holds a line end or another control character",
    ],
    [
      'a delimiter that quotes',
      'data',
      `version: 1\nsources: [{ kind: csv, name: h, object: sha256:${'a'.repeat(64)}, delimiter: '"' }]\npipeline: [pipeline/a.sql]\nkey: [id]\ntarget: y\ninputs: { x: { from: request, type: number } }\nsplit: { by: key, recent: 0.2, validation: 0.1 }\n`,
      'f.yml:2:125: sources[0].delimiter: it quotes cells too: say another `quote:`, or "" for none',
    ],
    [
      'a key twice',
      'model',
      'version: 1\npredictor: onnx\nversion: 1\n',
      'f.yml:3:1: the key "version" is there twice',
    ],
    ['an empty file', 'model', '', 'f.yml:1:1: the file is empty; expected: a block of keys'],
    [
      'two documents',
      'model',
      'version: 1\n---\nversion: 1\n',
      'f.yml:2:1: Source contains multiple documents; please use YAML.parseAllDocuments()',
    ],
    [
      'a tag',
      'model',
      'version: !!js/function "1"\n',
      'f.yml:1:10: Unresolved tag: tag:yaml.org,2002:js/function',
    ],
    [
      'an ambiguous threshold',
      'problem',
      `${PROBLEM}gates:\n  - { kind: threshold, name: x, metric: mae }\n`,
      'f.yml:11:5: gates[0]: a threshold needs either at_most or at_least',
    ],
    [
      'a metric of another task',
      'problem',
      PROBLEM.replace('mae', 'auc'),
      'f.yml:8:21: success[0].metric: "auc" does not fit regression; these do: mae, rmse, r2, bias',
    ],
    [
      'the target as an input',
      'data',
      DATA,
      'f.yml:4:11: inputs.cnt: the target is not an input: it would leak',
    ],
    [
      'an unknown role',
      'policy',
      POLICY,
      'f.yml:4:33: approvals.model.roles[0]: role "boss" is not defined; defined roles: ml-lead',
    ],
  ])('%s', (_, kind, text, expected) => {
    expect(faults(kind, text)).toContain(expected);
  });

  test.each([
    [
      'store: lake',
      'f.yml:8:8: store: "lake" is not built yet: leave it "main" and set ROUNDHOUSE_STORE_MAIN',
    ],
    ['logs: lake', 'f.yml:8:7: logs: "lake" is not built yet: leave it "main" and set ROUNDHOUSE_LOGS_MAIN'],
    [
      'runners: { trusted: [gpu] }',
      'f.yml:8:12: runners.trusted: other labels are not built yet: leave them out, and give your runners self-hosted and roundhouse-trusted',
    ],
  ])('a setting of the policy that nothing reads yet: %s', (line, expected) => {
    const policy = POLICY.replace('[boss]', '[ml-lead]');
    expect(faults('policy', policy)).toEqual([]);
    const defaults = 'store: main\nlogs: main\nrunners: { untrusted: [self-hosted, roundhouse-untrusted] }\n';
    expect(faults('policy', policy + defaults)).toEqual([]);
    expect(faults('policy', `${policy}${line}\n`)).toEqual([expected]);
  });

  test('not built yet hides nothing else and adds nothing', () => {
    expect(
      faults(
        'model',
        'version: 1\npredictor: onnx\ncandidates:\n  - { trainer: trees, name: a, depth: 3 }\n',
      ),
    ).toHaveLength(1);
  });

  test('all faults of a file are told at once, in the order of its lines', () => {
    const found = faults('model', 'version: 2\npredictor: onx\nseed: x\nfoo: 1\n');
    expect(found.map((fault) => fault.split(':')[1])).toEqual(['1', '2', '3', '4']);
    expect(() => parseConfig('model', { file: 'f.yml', text: 'version: 2\nfoo: 1\n' })).toThrow(UserError);
  });

  test('all files of a model are told at once, and so is what they disagree on', () => {
    const texts = bikesTexts();
    const both = {
      ...texts,
      data: { ...texts.data, text: texts.data.text.replace('key: [ts]', 'keys: [ts]') },
      model: { ...texts.model, text: texts.model.text.replace('seed: 1', 'seed: x') },
    };
    expect(() => parseModelFiles('bikes', both)).toThrow(
      /data\.yml:.*unknown key "keys"; did you mean "key"\?[\s\S]*model\.yml:.*seed is "x"/,
    );
    const other = {
      ...texts,
      data: { ...texts.data, text: texts.data.text.replace('target: cnt', 'target: count') },
      operate: { ...texts.operate, text: texts.operate.text.replace('[production]', '[prod]') },
    };
    expect(() => parseModelFiles('bikes', other)).toThrow(
      /problem\.yml predicts "cnt"[\s\S]*environment "prod" is not in/,
    );
    expect(() => parseModelFiles('cars', texts)).toThrow(/the folder is models\/cars/);
  });
});

describe('hostile YAML is a fault, quickly', () => {
  test.each([
    ['flow nesting', '['.repeat(30_000), 'nested deeper than 64 levels'],
    [
      'flow nesting behind comments that look closed',
      '[ # ]\n'.repeat(5_000),
      'nested deeper than 64 levels',
    ],
    ['block nesting on one line', '- '.repeat(30_000), 'nested deeper than 64 levels'],
    ['keys on one line', '? '.repeat(30_000), 'nested deeper than 64 levels'],
    [
      'block nesting by indentation',
      Array.from({ length: 200 }, (_, index) => `${' '.repeat(index)}a:\n`).join(''),
      'nested deeper than 64 levels',
    ],
    ['size', `a: ${'x'.repeat(70_000)}`, 'the file is larger than 64 KB'],
    [
      'aliases that explode',
      'a: &a [1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n',
      'aliases that expand too far',
    ],
    ['a prototype', '__proto__: { polluted: true }\n', 'the key "__proto__" is not allowed'],
  ])('%s', (_, text, message) => {
    expect(faults('model', text).join('\n')).toContain(message);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('thousands of unknown keys make a readable error, soon', () => {
    const text = Array.from({ length: 9_000 }, (_, index) => `k${index}:\n`).join('');
    const started = performance.now();
    expect(faults('model', text)).toHaveLength(100);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('text of the file cannot break out of the message', () => {
    const [fault] = faults('model', 'version: 1\npredictor: onnx\nseed: "a\\n::error::\\u202e b"\n');
    expect(fault).toBe('f.yml:3:7: seed is "a ::error:: b"; expected: a number');
  });
});

describe('locks', () => {
  const ref = { content: digest('1'), object: digest('2') };
  const data: DataLock = {
    version: 1,
    sources: { history: ref },
    steps: digest('3'),
    output: ref,
    rows: 8645,
    profile: digest('4'),
    verdict: 'passed',
  };
  const model: ModelLock = {
    version: 1,
    candidate: digest('1'),
    data: digest('2'),
    code: digest('3'),
    config: digest('4'),
    gates: digest('5'),
    policy: digest('6'),
    evaluation: digest('7'),
    model: digest('8'),
    twin: digest('9'),
    refit: 'full',
    bundle: digest('a'),
    trainer: 'mlp',
    metrics: { mae: 38.4 },
    window: { from: '2011-01-01T00:00:00Z', until: '2012-01-01T00:00:00Z' },
  };
  test('what is rendered parses to the same lock', () => {
    expect(parseConfig('data-lock', { file: 'data.lock', text: renderLock(data) })).toEqual(data);
    expect(parseConfig('model-lock', { file: 'model.lock', text: renderLock(model) })).toEqual(model);
    expect(renderLock(model).startsWith('# Written by Roundhouse.')).toBe(true);
  });
});

describe('the change of a retraining', () => {
  const change = {
    window: { last: 'P90D', until: '2012-04-01T00:00:00Z' },
    snapshots: { traffic: digest('e') },
  };
  test('window and snapshot change, every comment stays', () => {
    const source = bikesTexts().data;
    const edited = editDataYaml(source, change);
    const parsed = parseConfig('data', { file: 'data.yml', text: edited });
    expect(parsed.window).toEqual(change.window);
    expect(parsed.sources[1]).toMatchObject({ name: 'traffic', snapshot: digest('e') });
    const comments = (text: string) => text.split('\n').filter((line) => line.trim().startsWith('#'));
    expect(comments(edited)).toEqual(comments(source.text));
    expect({ ...parsed, window: 0, sources: 0 }).toEqual({
      ...parseConfig('data', source),
      window: 0,
      sources: 0,
    });
  });
  test('few lines change', () => {
    const source = bikesTexts().data.text;
    const edited = editDataYaml({ file: 'data.yml', text: source }, change).split('\n');
    const before = new Set(source.split('\n'));
    expect(edited.filter((line) => !before.has(line)).length).toBe(2);
  });
  test('twice is once', () => {
    const once = editDataYaml(bikesTexts().data, change);
    expect(editDataYaml({ file: 'data.yml', text: once }, change)).toBe(once);
  });
  test('a source that is not there is refused by name', () => {
    expect(() => editDataYaml(bikesTexts().data, { ...change, snapshots: { history: digest('e') } })).toThrow(
      /no "predictions" source named "history"/,
    );
  });
});
