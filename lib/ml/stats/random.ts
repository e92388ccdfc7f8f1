/** Reproducible random numbers. Not for secrets. */
export type Random = {
  /** 0 to 2^32 - 1. */
  uint32(): number;
  /** [0, 1) */
  uniform(): number;
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
};

/** xoshiro128** (Blackman & Vigna 2021), its state filled from the seed by splitmix32. */
export function randomOf(seed: number): Random {
  let filler = seed >>> 0;
  const next = () => {
    filler = (filler + 0x9e3779b9) >>> 0;
    let mixed = filler ^ (filler >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  return xoshiro([next(), next(), next(), next()]);
}

export function xoshiro(state: readonly [number, number, number, number]): Random {
  let [a, b, c, d] = state;
  const uint32 = () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = () => uint32() / 2 ** 32;
  return { uint32, uniform, below: (limit) => Math.floor(uniform() * limit) };
}

/** The same digest gives the same seed, so that an interval can be computed again from its evidence. */
export function seedOf(digest: string): number {
  return Number.parseInt(digest.slice('sha256:'.length, 'sha256:'.length + 8), 16);
}

/** Fisher-Yates, in place. */
export function shuffle(values: Int32Array, random: Random): Int32Array {
  for (let last = values.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const kept = values[last] ?? 0;
    values[last] = values[other] ?? 0;
    values[other] = kept;
  }
  return values;
}
