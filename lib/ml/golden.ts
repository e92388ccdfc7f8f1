import type { ColumnProfile, Profile } from '#lib/data/profile.ts';
import type { Golden, Signature, TensorSpec } from '#lib/lifecycle/bundle.ts';
import { feedOfRows } from './feed.ts';
import type { Prediction, Predictor } from './predictor-types.ts';
import { type Random, randomOf } from './stats/random.ts';

const ROWS = 32;
const RTOL = 1e-5;
const ATOL = 1e-6;

/**
 * Made-up rows that look like the data and are nobody's: each value is drawn by itself, from between the
 * 5 % and 95 % quantiles or from the categories that are frequent enough to be named in the profile.
 */
export function goldenRows(
  { inputs }: Pick<Signature, 'inputs'>,
  profile: Profile,
  seed: number,
): Golden['rows'] {
  const random = randomOf(seed);
  return Array.from({ length: ROWS }, () =>
    Object.fromEntries(
      inputs.map((input) => [
        input.name,
        draw(
          input,
          profile.columns.find(({ name }) => name === input.name),
          random,
        ),
      ]),
    ),
  );
}

function draw(
  { datatype }: TensorSpec,
  column: ColumnProfile | undefined,
  random: Random,
): string | number | null {
  if (column === undefined) return null;
  if (column.missing > 0 && random.below(column.count + column.missing) < column.missing) return null;
  if (datatype === 'FP32') {
    const place = 5 + random.uniform() * 90;
    const low = column.number?.quantiles[Math.floor(place)] ?? 0;
    const high = column.number?.quantiles[Math.ceil(place)] ?? low;
    return Math.fround(low + (high - low) * (place % 1));
  }
  const values = column.categories?.values ?? [];
  const value = values[random.below(values.length)]?.value;
  if (value === undefined) return null;
  return datatype === 'INT64' ? Number(value) : value;
}

/** The rows with what the served bytes answer; tolerances are those of the parity between trainer and ONNX. */
export async function goldenOf(
  rows: Golden['rows'],
  signature: Signature,
  predictor: Predictor,
): Promise<Golden> {
  const prediction = await predictor.predict(feedOfRows(rows, signature), rows.length);
  const scale = prediction.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { rows, predictions: vectorsOf(prediction), rtol: RTOL, atol: ATOL * Math.max(scale, 1) };
}

/** One vector per row. */
export function vectorsOf({ values, width }: Prediction): number[][] {
  return Array.from({ length: values.length / width }, (_, row) =>
    Array.from(values.subarray(row * width, (row + 1) * width)),
  );
}
