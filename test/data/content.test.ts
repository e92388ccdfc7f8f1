import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentDigest, keyDigests, parseKeySet, renderKeySet } from '#lib/data/content.ts';
import type { Table } from '#lib/data/table.ts';
import { digestOf } from '#lib/formats/digest.ts';
import { tableOf } from './tables.ts';

describe('contentDigest', () => {
  const table = () => tableOf({ id: [1, 2, 3], x: [0.5, null, -2], s: ['a', null, ''] });

  test('is of the documented bytes', () => {
    const number = Buffer.alloc(16);
    number.writeDoubleLE(0.5, 0);
    number.writeDoubleLE(-2, 8);
    const header = '{"v":1,"rows":2,"columns":[["s","text"],["x","number"]]}\n';
    const bytes = Buffer.concat([Buffer.from(`${header}"a"\nnull\n`), number]);
    expect(contentDigest(tableOf({ x: [0.5, -2], s: ['a', null] }))).toBe(digestOf(bytes));
  });

  test('does not depend on the order of columns, on the sign of zero, or on which NaN is missing', () => {
    const swapped = tableOf({ s: ['a', null, ''], x: [0.5, null, -2], id: [1, 2, 3] });
    expect(contentDigest(swapped)).toBe(contentDigest(table()));
    expect(contentDigest(tableOf({ x: [-0] }))).toBe(contentDigest(tableOf({ x: [0] })));
    const values = new Float64Array(1);
    new BigUint64Array(values.buffer)[0] = 0xfff8000000000123n;
    const odd: Table = { rows: 1, columns: new Map([['x', { kind: 'number', values, integer: true }]]) };
    expect(contentDigest(odd)).toBe(contentDigest(tableOf({ x: [null] })));
  });

  test('leaves the table as it was', () => {
    const given = tableOf({ x: [-0, 1] });
    contentDigest(given);
    expect(Object.is(given.columns.get('x')?.values[0], -0)).toBe(true);
  });

  test.each([
    ['a value', { id: [1, 2, 3], x: [0.5, null, -3], s: ['a', null, ''] }],
    ['missing against empty', { id: [1, 2, 3], x: [0.5, null, -2], s: ['a', '', null] }],
    ['a name', { id: [1, 2, 3], y: [0.5, null, -2], s: ['a', null, ''] }],
    ['the order of rows', { id: [2, 1, 3], x: [null, 0.5, -2], s: [null, 'a', ''] }],
    ['a row more', { id: [1, 2, 3, 4], x: [0.5, null, -2, 1], s: ['a', null, '', ''] }],
    ['a number that became text', { id: ['1', '2', '3'], x: [0.5, null, -2], s: ['a', null, ''] }],
  ])('changes with %s', (_name, columns) => {
    expect(contentDigest(tableOf(columns))).not.toBe(contentDigest(table()));
  });

  test('no two lists of texts are written alike', () => {
    const texts = fc.array(fc.oneof(fc.string(), fc.constantFrom('null', '"', '\n', 'a\nb', '')), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(contentDigest(tableOf({ s: a })) === contentDigest(tableOf({ s: b }))).toBe(same);
      }),
    );
  });
});

describe('keys', () => {
  test('a key is known by 16 bytes of sha256 over its values', () => {
    const table = tableOf({ id: [7], at: [new Date(5)], s: ['ü"'] });
    expect(keyDigests(table, ['id', 'at', 's'])).toEqual([digestOf('7,5,"ü\\""').slice(7, 39)]);
  });

  test('values of neighbouring columns never run into each other', () => {
    const key = (a: string, b: string) => keyDigests(tableOf({ a: [a], b: [b] }), ['a', 'b'])[0];
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
        expect(key(a, b) === key(c, d)).toBe(a === c && b === d);
      }),
    );
  });

  test('a key set is sorted, without repeats, and comes back', () => {
    const digests = keyDigests(tableOf({ id: [3, 1, 2, 1] }), ['id']);
    const text = renderKeySet(digests);
    expect(text.split('\n').slice(0, -1)).toEqual([...new Set(digests)].sort());
    expect(parseKeySet(Buffer.from(text))).toEqual(new Set(digests));
    expect(parseKeySet(Buffer.from(renderKeySet([])))).toEqual(new Set());
  });

  test('what is no key set is refused with its line', () => {
    expect(() => parseKeySet(Buffer.from(`${'a'.repeat(32)}\nnope\n`))).toThrow(/line 2/);
  });
});
