import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseTagMessage,
  parseTagName,
  printTagName,
  registryTag,
  renderTagMessage,
} from '#lib/formats/registry-tags.ts';
import {
  foldRegistry,
  nextVersion,
  type RegistryTag,
  type TagEvent,
  type TagMessage,
  versionChange,
} from '#lib/lifecycle/registry.ts';
import { digest } from '../formats/sample-evidence.ts';

const message = (version: string | null, environment: string | null = null): TagMessage => ({
  kind: 'roundhouse-tag',
  model: 'bikes',
  version,
  environment,
  candidate: version === '1.1.0' ? digest('b') : digest('a'),
  bundle: digest('c'),
  commit: 'd'.repeat(40),
});
const tag = (name: string, content: TagMessage | null): RegistryTag => ({
  name,
  event: parseTagName(name),
  message: content,
});
const all = () => true;

const story = [
  tag('bikes@v1.0.0', message('1.0.0')),
  tag('bikes#production#1', message('1.0.0', 'production')),
  tag('bikes@v1.1.0', message('1.1.0')),
  tag('bikes#production#2', message('1.1.0', 'production')),
  tag('bikes#production#3', message('1.0.0', 'production')),
];

describe('fold', () => {
  test('versions, assignments, history and the next counter', () => {
    const registry = foldRegistry('bikes', story, all);
    expect(registry.versions.map(({ version, state }) => [version, state])).toEqual([
      ['1.0.0', 'registered'],
      ['1.1.0', 'registered'],
    ]);
    expect(registry.assignments).toEqual([
      { environment: 'production', version: '1.0.0', candidate: digest('a'), n: 3 },
    ]);
    expect(registry.history.map(({ version }) => version)).toEqual(['1.0.0', '1.1.0', '1.0.0']);
    expect(registry).toMatchObject({ next: 4, deprecated: false, foreign: [] });
  });

  test('the order of tags does not matter', () => {
    const expected = foldRegistry('bikes', story, all);
    fc.assert(
      fc.property(fc.shuffledSubarray(story, { minLength: story.length }), (tags) => {
        expect(foldRegistry('bikes', tags, all)).toEqual(expected);
      }),
    );
  });

  test('unassigned, deregistered and deprecated', () => {
    const tags = [
      ...story,
      tag('bikes#production!#4', message('1.0.0', 'production')),
      tag('bikes@v1.1.0!', message('1.1.0')),
      tag('bikes@deprecated#5', message(null)),
    ];
    const registry = foldRegistry('bikes', tags, all);
    expect(registry.assignments).toEqual([]);
    expect(registry.versions.map(({ state }) => state)).toEqual(['registered', 'deregistered']);
    expect(registry).toMatchObject({ deprecated: true, next: 6 });
  });

  test.each([
    ['no message of ours', tag('bikes@v9.0.0', null)],
    ['a message of another version', tag('bikes@v9.0.0', message('1.0.0'))],
    ['a message of another model', tag('bikes@v9.0.0', { ...message('9.0.0'), model: 'cars' })],
    ['a message of another environment', tag('bikes#production#9', message('1.0.0', 'staging'))],
  ])('foreign: %s', (_, foreign) => {
    const registry = foldRegistry('bikes', [...story, foreign], all);
    expect(registry.foreign).toEqual([foreign.name]);
    expect(registry.versions).toHaveLength(2);
    expect(registry.assignments).toMatchObject([{ version: '1.0.0' }]);
  });

  test('a tag without recorded evidence is foreign, and its counter is not given again', () => {
    const registry = foldRegistry('bikes', story, ({ candidate }) => candidate !== digest('b'));
    expect(registry.foreign).toEqual(['bikes@v1.1.0', 'bikes#production#2']);
    expect(registry.next).toBe(4);
  });

  test('tags of a model whose name begins alike belong to that model', () => {
    expect(foldRegistry('bikes', [tag('bikes2@v1.0.0', message('1.0.0'))], all).versions).toEqual([]);
  });
});

test.each([
  [[], 'minor', '1.0.0'],
  [story, 'major', '2.0.0'],
  [story, 'minor', '1.2.0'],
  [story, 'patch', '1.1.1'],
  [[...story, tag('bikes@v1.2.0', null), tag('bikes@v1.3.0!', null)], 'minor', '1.4.0'],
  [[tag('bikes@v1.0.0', null)], 'minor', '1.1.0'],
] as const)('next version', (tags, change, expected) => {
  expect(nextVersion(foldRegistry('bikes', tags, all), change)).toBe(expected);
});

test.each([
  [{ sameSignature: false, sameModel: false }, 'major'],
  [{ sameSignature: true, sameModel: false }, 'minor'],
  [{ sameSignature: true, sameModel: true }, 'patch'],
])('%j is a %s change', (facts, change) => {
  expect(versionChange(facts)).toBe(change);
});

describe('names and messages', () => {
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
  const n = fc.option(fc.integer({ min: 0, max: 999_999_999 }), { nil: null });
  const version = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)).map((parts) => parts.join('.'));
  const event: fc.Arbitrary<TagEvent> = fc.oneof(
    fc.record({ kind: fc.constantFrom('register' as const, 'deregister' as const), model: name, version, n }),
    fc.record({
      kind: fc.constantFrom('assign' as const, 'unassign' as const),
      model: name,
      environment: name,
      n,
    }),
    fc.record({ kind: fc.constantFrom('deprecate' as const, 'create' as const), model: name, n }),
  );
  test('what is printed parses to the same event', () => {
    fc.assert(
      fc.property(event, (value) => {
        expect(parseTagName(printTagName(value))).toEqual(value);
      }),
    );
  });
  test.each([
    'v1.0.0',
    'bikes',
    'bikes@1.0.0',
    'bikes@v1.0',
    'bikes#',
    'Bikes@v1.0.0',
    'bikes@latest',
    'bikes#a#b',
    'a/b@v1.0.0',
  ])('%s is no registry tag', (text) => expect(parseTagName(text)).toBeNull());
  test('a message survives being written, and any other text is none', () => {
    const content = message('1.0.0');
    const written = renderTagMessage(
      { kind: 'register', model: 'bikes', version: '1.0.0', n: null },
      content,
    );
    expect(written.split('\n')[0]).toBe(`Register bikes v1.0.0 from commit ${content.commit}`);
    expect(parseTagMessage(written)).toEqual(content);
    expect(registryTag('bikes@v1.0.0', written).message).toEqual(content);
    for (const text of ['', 'v1.0.0', '{', '{"kind":"roundhouse-tag"}', `{"a":${'['.repeat(5000)}`]) {
      expect(parseTagMessage(text)).toBeNull();
    }
  });
});
