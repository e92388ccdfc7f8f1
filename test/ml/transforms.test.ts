import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { feedOf, feedOfRows, MISSING_INTEGER } from '#lib/ml/feed.ts';
import { denseRows, encode, fitTransforms, inputTensors, standardisation } from '#lib/ml/transforms.ts';
import { tableOf } from '../data/tables.ts';
import { input } from './candidates.ts';

const TABLE = tableOf({
  temp: [10, null, 30, 20],
  hr: [1, 2, 1, null],
  sky: ['b', 'a', null, 'b'],
  flag: [0, 1, 1, 0],
});
const INPUTS = {
  sky: input('category'),
  temp: input('number'),
  hr: input('category'),
  flag: input('number'),
};
const tensors = inputTensors(TABLE, INPUTS);

describe('input tensors', () => {
  test('follow the type of the column, so that missing values never change a signature', () => {
    expect(tensors).toEqual([
      { name: 'sky', datatype: 'BYTES', shape: [-1, 1] },
      { name: 'temp', datatype: 'FP32', shape: [-1, 1] },
      { name: 'hr', datatype: 'INT64', shape: [-1, 1] },
      { name: 'flag', datatype: 'FP32', shape: [-1, 1] },
    ]);
  });

  test('refuse text as a number and a timestamp as anything', () => {
    expect(() => inputTensors(TABLE, { sky: input('number') })).toThrow(/"sky" is declared a number.*text/);
    const times = {
      rows: 1,
      columns: new Map([['ts', { kind: 'time' as const, values: Float64Array.of(0) }]]),
    };
    expect(() => inputTensors(times, { ts: input('category') })).toThrow(/"ts" is a timestamp/);
  });
});

describe('feeds', () => {
  test('of a table and of the same rows as a request are equal', () => {
    const rows = [
      { temp: 10, hr: 1, sky: 'b', flag: 0 },
      { temp: null, hr: 2, sky: 'a', flag: 1 },
      { temp: 30, hr: 1, sky: null, flag: 1 },
      { temp: 20, hr: null, sky: 'b', flag: 0 },
    ];
    expect(feedOfRows(rows, { inputs: tensors })).toEqual(feedOf(TABLE, { inputs: tensors }));
  });

  test('write missing values as NaN, the smallest integer and empty text', () => {
    const feed = feedOf(TABLE, { inputs: tensors });
    expect(feed.temp?.[1]).toBeNaN();
    expect(feed.hr?.[3]).toBe(MISSING_INTEGER);
    expect(feed.sky).toEqual(['b', 'a', '', 'b']);
  });

  test('never hold a NUL, where the runtime would end the text', () => {
    const feed = feedOfRows([{ sky: 'a\0b' }], { inputs: tensors.filter(({ name }) => name === 'sky') });
    expect(feed.sky).toEqual(['a\ufffdb']);
  });

  test.each([
    [{ hr: 1.5 }, 'row 1, input "hr": 1.5 is not an integer'],
    [{ temp: 'hot' }, 'row 1, input "temp": "hot" is not a number'],
    [{ temp: 1e300 }, 'row 1, input "temp": 1e+300 is beyond the range of 32-bit numbers'],
    [{ sky: undefined }, 'row 1 has no input "sky"'],
  ])('refuse %j', (change, message) => {
    const row = { temp: 10, hr: 1, sky: 'b', flag: 0, ...change } as Record<string, number | string>;
    expect(() => feedOfRows([row], { inputs: tensors })).toThrow(message);
  });

  test('name the columns there are when one is not', () => {
    expect(() => feedOf(TABLE, { inputs: [{ name: 'wind', datatype: 'FP32', shape: [-1, 1] }] })).toThrow(
      /no column wind; it has: temp, hr, sky, flag/,
    );
  });
});

describe('transforms', () => {
  const feed = feedOf(TABLE, { inputs: tensors });
  const transforms = fitTransforms(tensors, feed);

  test('put numbers first and keep every value that was seen, the missing one too', () => {
    expect(transforms.map(({ kind, name }) => [kind, name])).toEqual([
      ['number', 'temp'],
      ['number', 'flag'],
      ['texts', 'sky'],
      ['integers', 'hr'],
    ]);
    expect(transforms[2]).toMatchObject({ values: ['', 'a', 'b'] });
    expect(transforms[3]).toMatchObject({ values: [MISSING_INTEGER, 1n, 2n] });
  });

  test('impute by the median and scale by the deviation', () => {
    const deviation = Math.sqrt((100 + 0 + 100 + 0) / 4);
    const encoded = encode(transforms, feed, 4);
    const temp = [0, 2, 4, 6].map((at) => encoded.numbers[at]);
    expect(temp).toEqual([-10, 0, 10, 0].map((value) => Math.fround(value * Math.fround(1 / deviation))));
  });

  test('make an unseen category all zeros', () => {
    const rows = [{ temp: 20, hr: 9, sky: 'new', flag: 0.5 }];
    const encoded = encode(transforms, feedOfRows(rows, { inputs: tensors }), 1);
    expect([...denseRows(encoded, Int32Array.of(0))]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('refuse an identifier as a category', () => {
    const ids = Array.from({ length: 1001 }, (_, row) => `id-${row}`);
    expect(() => fitTransforms([{ name: 'id', datatype: 'BYTES', shape: [-1, 1] }], { id: ids })).toThrow(
      /"id" has 1001 distinct values, and 0 % of 1001 rows have a frequent one/,
    );
  });

  test('of very many values give the frequent ones a column each; a rare one is as unseen', () => {
    const airports = Array.from({ length: 4000 }, (_, row) =>
      row % 4 === 0 ? `rare ${row}` : `hub ${row % 225}`,
    );
    const tensor = { name: 'airport', datatype: 'BYTES', shape: [-1, 1] } as const;
    const [fitted] = fitTransforms([{ ...tensor, shape: [-1, 1] }], { airport: airports });
    expect(fitted).toMatchObject({ kind: 'texts' });
    const values = fitted?.kind === 'texts' ? fitted.values : [];
    expect(values.length).toBeLessThanOrEqual(225);
    expect(values.every((value) => value.startsWith('hub '))).toBe(true);
    const encoded = encode(fitted ? [fitted] : [], { airport: ['hub 7', 'rare 8', 'never seen'] }, 3);
    expect([...(encoded.categories[0]?.codes ?? [])]).toEqual([values.indexOf('hub 7'), -1, -1]);
  });
});

describe('standardisation', () => {
  test('gives mean 0 and deviation 1', () => {
    const column = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), {
      minLength: 3,
      maxLength: 50,
    });
    fc.assert(
      fc.property(column, (values) => {
        const floats = Float32Array.from(values);
        const { offset, scale } = standardisation(floats);
        if (scale === 0) return;
        const scaled = Array.from(floats, (value) => (value - offset) * scale);
        const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
        const variance = scaled.reduce((sum, value) => sum + (value - mean) ** 2, 0) / scaled.length;
        // The offset is rounded to float32, which shows where the deviation is a millionth of the mean.
        expect(Math.abs(mean)).toBeLessThan(0.1);
        expect(variance).toBeCloseTo(1, 2);
      }),
    );
  });

  test.each([
    ['constant', [7, 7, 7], { fill: 7, offset: 7, scale: 0 }],
    ['noise of float32 alone', [16777216, 16777218, 16777216], { fill: 16777216, scale: 0 }],
    ['of the smallest numbers', [0, 0, 1.4e-45], { offset: 0, scale: 0 }],
    ['missing in every row', [Number.NaN, Number.NaN], { fill: 0, offset: 0, scale: 0 }],
  ])('a column that is %s has no effect', (_, values, expected) => {
    expect(standardisation(Float32Array.from(values))).toMatchObject(expected);
  });
});
