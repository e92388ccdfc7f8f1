import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { enter, type Group, leave } from '../../../runners/local/github/concurrency.ts';
import { parseCommand } from '../../../runners/local/jobs/command.ts';
import { parseAssignments } from '../../../runners/local/jobs/command-file.ts';
import { conditionOf, evaluate, type Scope } from '../../../runners/local/jobs/expression.ts';
import { createMasks } from '../../../runners/local/jobs/masks.ts';
import { expandMatrix, matrixJobName } from '../../../runners/local/jobs/matrix.ts';
import { createSlots } from '../../../runners/local/jobs/slots.ts';

describe('parseAssignments', () => {
  test.each<[string, [string, string][]]>([
    ['', []],
    [
      'a=1\nb=2=3\n',
      [
        ['a', '1'],
        ['b', '2=3'],
      ],
    ],
    ['a=\n', [['a', '']]],
    [
      'a<<E\n1\n\n2\nE\nb=x<<y\n',
      [
        ['a', '1\n\n2'],
        ['b', 'x<<y'],
      ],
    ],
    ['a<<E\nE\n', [['a', '']]],
    [
      'a=1\r\nb=2\r\n',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
  ])('%j', (text, expected) => {
    expect(parseAssignments(text)).toEqual(expected);
  });

  test.each(['novalue', '=1', '<<E\nE', 'a<<E\nno end', 'a<<\nx'])('%j is refused', (text) => {
    expect(() => parseAssignments(text)).toThrow(/Invalid/);
  });

  test('what is written with a random delimiter is read back', () => {
    const name = fc.stringMatching(/^[A-Za-z_]\w*$/);
    const value = fc
      .array(
        fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll(/[\r\n]/g, ' ')),
        { minLength: 1 },
      )
      .map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
        const text = pairs
          .map(([key, content]) => `${key}<<ghadelimiter_4711\n${content}\nghadelimiter_4711\n`)
          .join('');
        expect(parseAssignments(text)).toEqual(pairs);
      }),
    );
  });
});

test.each([
  [
    '::error file=a.ts,line=3,col=1::text',
    { name: 'error', properties: { file: 'a.ts', line: '3', col: '1' }, value: 'text' },
  ],
  ['  ::Warning::50%25%0Anext', { name: 'warning', properties: {}, value: '50%\nnext' }],
  ['::notice title=a%3Ab%2Cc::x::y', { name: 'notice', properties: { title: 'a:b,c' }, value: 'x::y' }],
  ['::endgroup::', { name: 'endgroup', properties: {}, value: '' }],
  ['text ::error::x', null],
  ['::', null],
  [':: error::x', null],
])('parseCommand %j', (line, expected) => {
  expect(parseCommand(line)).toEqual(expected);
});

describe('expandMatrix', () => {
  test("the example of GitHub's documentation", () => {
    const matrix = {
      fruit: ['apple', 'pear'],
      animal: ['cat', 'dog'],
      include: [
        { color: 'green' },
        { color: 'pink', animal: 'cat' },
        { fruit: 'apple', shape: 'circle' },
        { fruit: 'banana' },
        { fruit: 'banana', animal: 'cat' },
      ],
    };
    expect(expandMatrix(matrix)).toEqual([
      { fruit: 'apple', animal: 'cat', color: 'pink', shape: 'circle' },
      { fruit: 'apple', animal: 'dog', color: 'green', shape: 'circle' },
      { fruit: 'pear', animal: 'cat', color: 'pink' },
      { fruit: 'pear', animal: 'dog', color: 'green' },
      { fruit: 'banana' },
      { fruit: 'banana', animal: 'cat' },
    ]);
  });

  test('include alone makes one job each; exclude matches in part', () => {
    expect(expandMatrix({ include: [{ a: 1 }, { a: 2 }] })).toEqual([{ a: 1 }, { a: 2 }]);
    expect(expandMatrix({ a: [1, 2], b: ['x', 'y'], exclude: [{ a: 1 }] })).toEqual([
      { a: 2, b: 'x' },
      { a: 2, b: 'y' },
    ]);
  });

  test.each([
    [{ a: [] }],
    [{ a: 'x' }],
    [{}],
    [[]],
    ['x'],
    // GitHub docs, actions/reference/limits: 256 jobs a matrix.
    [{ a: Array(257).fill(0) }],
    [{ a: Array(16).fill(0), b: Array(16).fill(0), include: [{ c: 1 }, { a: 1, c: 2 }] }],
    [{ a: [1], include: 'x' }],
  ])('%j is refused', (matrix) => {
    expect(() => expandMatrix(matrix)).toThrow(/Matrix/);
  });

  test('names', () => {
    expect(matrixJobName('train', { a: 'x', b: 1, c: { d: 2 } })).toBe('train (x, 1, {"d":2})');
    expect(matrixJobName('train', {})).toBe('train');
  });
});

describe('concurrency groups', () => {
  const entry = (id: string, more: object = {}) => ({
    id,
    cancelInProgress: false,
    queue: 'single' as const,
    ...more,
  });
  const group = (running: string | null, ...waiting: string[]): Group => ({ running, waiting });

  test.each([
    [group(null), entry('a'), group('a'), []],
    [group('a'), entry('b'), group('a', 'b'), []],
    [group('a', 'b'), entry('c'), group('a', 'c'), ['b']],
    [group('a', 'b'), entry('c', { cancelInProgress: true }), group('a', 'c'), ['b', 'a']],
    [group('a', 'b'), entry('c', { queue: 'max' }), group('a', 'b', 'c'), []],
    [
      group('a', ...Array(100).fill('x')),
      entry('c', { queue: 'max' }),
      group('a', ...Array(100).fill('x')),
      ['c'],
    ],
  ])('enter %#', (before, newcomer, after, cancel) => {
    expect(enter(before, newcomer)).toEqual({ group: after, cancel });
  });

  test('leave', () => {
    expect(leave(group('a', 'b', 'c'), 'a')).toEqual(group('b', 'c'));
    expect(leave(group('a', 'b', 'c'), 'b')).toEqual(group('a', 'c'));
    expect(leave(group('a'), 'a')).toEqual(group(null));
  });

  test('at most one runs, nobody is lost, whatever happens', () => {
    const step = fc.record({
      arrives: fc.boolean(),
      queue: fc.constantFrom('single' as const, 'max' as const),
      cancelInProgress: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let state = group(null);
        const present = new Set<string>();
        for (const [index, { arrives, ...how }] of steps.entries()) {
          if (arrives) {
            const entered = enter(state, { id: `${index}`, ...how });
            state = entered.group;
            present.add(`${index}`);
            for (const id of entered.cancel.filter((id) => id !== state.running)) present.delete(id);
          } else if (state.running !== null) {
            present.delete(state.running);
            state = leave(state, state.running);
          }
          expect(new Set([state.running, ...state.waiting].filter((id) => id !== null))).toEqual(present);
          expect(state.running === null && state.waiting.length > 0).toBe(false);
        }
      }),
    );
  });
});

test('a mask hides a secret however it stands in a line', () => {
  fc.assert(
    fc.property(
      fc
        .string({ minLength: 4, unit: 'grapheme-ascii' })
        .filter((secret) => secret.trim() === secret && !'***'.includes(secret)),
      fc.string(),
      fc.string(),
      (secret, before, after) => {
        const masks = createMasks();
        masks.add(secret);
        expect(masks.apply(`${before}${secret}${after}`).replaceAll('***', '')).not.toContain(secret);
        expect(masks.hides(`${before}${secret}${after}`)).toBe(true);
      },
    ),
  );
  expect(createMasks().apply('nothing to hide')).toBe('nothing to hide');
});

// Fact 33. GitHub docs, actions/reference/security/secure-use: transformed secrets; generating-an-installation-access-token: both formats.
test('a mask hides a secret in the forms in which tools print it', () => {
  const masks = createMasks();
  const secret = "p&ss'word<42>-and-more";
  masks.add(secret);
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  for (const before of ['', 'a', 'ab', 'user:']) {
    const shown = masks.apply(base64(`${before}${secret}!`));
    const left = shown.split('***').map((part) => Buffer.from(part, 'base64').toString('latin1'));
    expect(left.join(''), before).not.toMatch(/word|and-mo/);
  }
  for (const form of ['p&amp;ss', 'p%26ss', "p&ss''word"]) {
    const encoded = { 'p&amp;ss': "p&amp;ss'word&lt;42&gt;-and-more", 'p%26ss': encodeURIComponent(secret) }[
      form
    ];
    expect(masks.apply(`x ${encoded ?? secret.replace("'", "''")} y`)).toBe('x *** y');
  }
  const stateless = `ghs_12345_${base64('header').replace('=', '')}.${'a-b_'.repeat(30)}.${'c-'.repeat(20)}`;
  expect(createMasks().apply(`token ${stateless} and ghs_${'A1'.repeat(18)}.`)).toMatch(
    /^token \*\*\* and \*\*\*$/,
  );
});

const scope: Scope = {
  contexts: { github: { ref: 'refs/heads/main', event: { n: 1, list: [1, 2] } }, env: { A: "it's" } },
  functions: { success: () => true, failure: () => false, cancelled: () => false },
};

test.each([
  ["'a''b''c''d'", "a'b'c'd"],
  ["github.ref == 'REFS/heads/main'", true],
  ['github.event.list', [1, 2]],
  ['github.event.missing.deeper', null],
  ["format('{0} {{x}} {1}', env.A, 2)", "it's {x} 2"],
  ['fromJSON(\'{"a": [true]}\').a[0]', true],
  ['toJSON(github.event.n)', '1'],
  ["startsWith(github.ref, 'refs') && contains('abc', 'B') && endsWith('abc', 'C')", true],
  ['github.event.n || 7', 1],
  ["join(github.event.list, '-')", '1-2'],
])('expression %s', (expression, expected) => {
  expect(evaluate({ expression, line: 1 }, scope)).toEqual(expected);
});

test.each([
  [undefined, 'success()'],
  ['', 'success()'],
  ["github.ref == 'x'", "success() && (github.ref == 'x')"],
  ['failure()', 'failure()'],
  ['!cancelled() && true', '!cancelled() && true'],
  ['ALWAYS()', 'ALWAYS()'],
  ["contains('failure()', 'x')", "success() && (contains('failure()', 'x'))"],
  ['steps.always.outcome', 'success() && (steps.always.outcome)'],
])('conditionOf %s', (text, expected) => {
  expect(conditionOf(text)).toBe(expected);
});

test('slots serve in order and forget those who left', async () => {
  const slots = createSlots(1);
  const stay = new AbortController().signal;
  const leaver = new AbortController();
  expect(await slots.take(stay)).toBe(true);
  const order: string[] = [];
  const second = slots.take(leaver.signal).then((got) => order.push(`second ${got}`));
  const third = slots.take(stay).then((got) => order.push(`third ${got}`));
  leaver.abort();
  await second;
  slots.give();
  await third;
  expect(order).toEqual(['second false', 'third true']);
});
