/**
 * Always-valid bounds of a rate: looking again and again does not make them less sure. Robbins' mixture
 * martingale with a uniform prior over the alternative (Robbins 1970, "Statistical methods related to the law
 * of the iterated logarithm"; Ville's inequality): for n trials with s events, a rate p stays possible while
 * (n + 1) * Binomial(s; n, p) > alpha. The set of possible rates covers the true one at all n together with
 * probability 1 - alpha.
 */
export type Trials = { events: number; trials: number };

/** True when the rate is over `limit`, at level `alpha`. */
export function isRateOver(counts: Trials, limit: number, alpha: number): boolean {
  if (counts.trials === 0 || counts.events / counts.trials <= limit) return false;
  return !isPossible({ ...counts, choose: logChoose(counts), rate: limit, alpha });
}

/** Lower and upper bound of the rate. Nothing tried: everything is possible. */
export function rateBounds(counts: Trials, alpha: number): { lower: number; upper: number } {
  if (counts.trials === 0) return { lower: 0, upper: 1 };
  const choose = logChoose(counts);
  const centre = counts.events / counts.trials;
  const edge = (outside: number) => {
    let [inner, outer] = [centre, outside];
    if (isPossible({ ...counts, choose, rate: outside, alpha })) return outside;
    for (let halving = 0; halving < 50; halving += 1) {
      const middle = (inner + outer) / 2;
      if (isPossible({ ...counts, choose, rate: middle, alpha })) inner = middle;
      else outer = middle;
    }
    return inner;
  };
  return { lower: edge(0), upper: edge(1) };
}

function isPossible(input: Trials & { choose: number; rate: number; alpha: number }): boolean {
  const { events, trials, choose, rate, alpha } = input;
  const logLikelihood = choose + times(events, Math.log(rate)) + times(trials - events, Math.log1p(-rate));
  return Math.log(trials + 1) + logLikelihood > Math.log(alpha);
}

/** 0 times the logarithm of 0 is 0 here: an event that cannot happen did not. */
function times(count: number, logarithm: number): number {
  return count === 0 ? 0 : count * logarithm;
}

function logChoose({ events, trials }: Trials): number {
  return logFactorial(trials) - logFactorial(events) - logFactorial(trials - events);
}

/** Stirling's series (Abramowitz & Stegun 6.1.41), to 1e-10 from 16 on; below that, the product itself. */
function logFactorial(n: number): number {
  if (n < 16)
    return Math.log(Array.from({ length: n }, (_, i) => i + 1).reduce((product, i) => product * i, 1));
  const series = 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5);
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + series;
}
