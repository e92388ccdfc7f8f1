import type { Golden } from './bundle.ts';

/** What became of a replay of a bundle's golden rows. */
export type GoldenReplay =
  | { kind: 'agrees'; rows: number; largest: number }
  | { kind: 'differs'; message: string }
  /** It could not be replayed, which says nothing about the model. */
  | { kind: 'unknown'; message: string };

/** Compares answers with the bundle's own: each value within atol + rtol * |expected|. */
export function compareGolden(golden: Golden, answers: readonly (readonly number[])[]): GoldenReplay {
  if (answers.length !== golden.predictions.length) {
    return {
      kind: 'differs',
      message: `${answers.length} answers for ${golden.predictions.length} golden rows`,
    };
  }
  let largest = 0;
  for (const [row, expected] of golden.predictions.entries()) {
    const answer = answers[row] ?? [];
    if (answer.length !== expected.length)
      return {
        kind: 'differs',
        message: `golden row ${row + 1}: ${answer.length} values, not ${expected.length}`,
      };
    for (const [at, value] of expected.entries()) {
      const difference = Math.abs((answer[at] ?? Number.NaN) - value);
      const allowed = golden.atol + golden.rtol * Math.abs(value);
      if (!(difference <= allowed))
        return {
          kind: 'differs',
          message: `golden row ${row + 1}: ${answer[at]} instead of ${value} (${allowed} allowed)`,
        };
      largest = Math.max(largest, difference);
    }
  }
  return { kind: 'agrees', rows: golden.predictions.length, largest };
}
