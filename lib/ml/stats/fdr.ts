/**
 * p values adjusted for the false discovery rate (Benjamini & Hochberg 1995): rejecting those at or under q
 * keeps the expected share of false rejections under q.
 */
export function benjaminiHochberg(p: readonly number[]): number[] {
  const order = p.map((_, index) => index).sort((a, b) => (p[b] ?? 1) - (p[a] ?? 1));
  const adjusted = new Array<number>(p.length).fill(1);
  let least = 1;
  for (const [position, index] of order.entries()) {
    const rank = p.length - position;
    least = Math.min(least, ((p[index] ?? 1) * p.length) / rank);
    adjusted[index] = least;
  }
  return adjusted;
}
