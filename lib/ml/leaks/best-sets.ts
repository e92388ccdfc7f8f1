import { dot } from './least-squares.ts';

/** Triples are looked for among this many columns (34,220 of them), the ones nearest to the target first. */
const MOST_IN_TRIPLES = 60;
const MOST_IN_PAIRS = 300;

/** Share of variance that is left, at most, where a fit over all rows is worth a closer look: a few wrong rows can cost this much. */
const WORTH_A_LOOK = 0.02;
const MOST_LOOKS = 300;

type Near = { values: Float64Array; near: number };

/** Sets of one, two, three columns whose least squares leave next to nothing: the smallest sets first, then the best. */
export function bestSets(xs: readonly Near[]): number[][] {
  const pairs = xs.slice(0, MOST_IN_PAIRS);
  const triples = xs.slice(0, MOST_IN_TRIPLES);
  const between = pairs.map((one, i) => pairs.map((other, j) => (j < i ? dot(one.values, other.values) : 0)));
  const r = (i: number, j: number) => (i === j ? 1 : (between[Math.max(i, j)]?.[Math.min(i, j)] ?? 0));
  const c = (i: number) => xs[i]?.near ?? 0;
  const sizes: { set: number[]; left: number }[][] = [[], [], []];
  const tell = (set: number[], explained: number) => {
    if (1 - explained < WORTH_A_LOOK) sizes[set.length - 1]?.push({ set, left: 1 - explained });
  };
  for (let i = 0; i < xs.length; i++) tell([i], c(i) ** 2);
  for (let i = 0; i < pairs.length; i++)
    for (let j = 0; j < i; j++) tell([j, i], explainedByTwo(c(i), c(j), r(i, j)));
  for (let i = 0; i < triples.length; i++)
    for (let j = 0; j < i; j++)
      for (let k = 0; k < j; k++)
        tell([k, j, i], explainedByThree([c(i), c(j), c(k)], [r(i, j), r(i, k), r(j, k)]));
  return sizes.flatMap((size) =>
    size
      .sort((a, b) => a.left - b.left)
      .slice(0, MOST_LOOKS)
      .map(({ set }) => set),
  );
}

/** Columns that say the same make the fit arbitrary: such sets are found without one of them. */
const LEAST_DETERMINANT = 1e-9;

function explainedByTwo(a: number, b: number, ab: number): number {
  const determinant = 1 - ab * ab;
  return determinant < LEAST_DETERMINANT ? 0 : (a * a + b * b - 2 * a * b * ab) / determinant;
}

/** c' R⁻¹ c with the inverse written out. */
function explainedByThree(
  [a, b, c]: [number, number, number],
  [ab, ac, bc]: [number, number, number],
): number {
  const determinant = 1 + 2 * ab * ac * bc - ab * ab - ac * ac - bc * bc;
  if (determinant < LEAST_DETERMINANT) return 0;
  return (
    (a * a * (1 - bc * bc) +
      b * b * (1 - ac * ac) +
      c * c * (1 - ab * ab) +
      2 * a * b * (ac * bc - ab) +
      2 * a * c * (ab * bc - ac) +
      2 * b * c * (ab * ac - bc)) /
    determinant
  );
}
