import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRateOver, rateBounds } from '#lib/lifecycle/sequential.ts';

/** (n + 1) * Binomial(s; n, p) by multiplying out: slow and plain. */
function mixture(events: number, trials: number, rate: number): number {
  let pmf = 1;
  for (let i = 1; i <= events; i += 1) pmf *= ((trials - events + i) / i) * rate;
  return (trials + 1) * pmf * (1 - rate) ** (trials - events);
}

describe('always-valid bounds of a rate', () => {
  it('decides as the martingale says', () => {
    for (const [events, trials] of [
      [0, 50],
      [1, 1],
      [2, 2],
      [3, 10],
      [5, 200],
      [20, 400],
      [40, 100],
    ] as const) {
      const isOver = events / trials > 0.05 && mixture(events, trials, 0.05) <= 0.01;
      expect(isRateOver({ events, trials }, 0.05, 0.01), `${events} of ${trials}`).toBe(isOver);
    }
  });

  it.each([
    // events, trials, limit, over
    [0, 0, 0.01, false],
    [1, 1, 0.01, false],
    [2, 2, 0.01, true],
    [10, 10, 0.01, true],
    [3, 200, 0.01, false],
    [30, 200, 0.01, true],
    [1_000_000, 2_000_000, 0.4999, false],
    [1_010_000, 2_000_000, 0.5, true],
    [5, 10, 1, false],
    [1, 1000, 0, true],
    [0, 1000, 0, false],
  ])('%i of %i against %f: over is %s', (events, trials, limit, isOver) => {
    expect(isRateOver({ events, trials }, limit, 0.01)).toBe(isOver);
  });

  it('bounds hold the observed rate, lie on the edge of what is possible, and agree with the decision', () => {
    const counts = fc
      .integer({ min: 1, max: 5000 })
      .chain((trials) =>
        fc.record({ trials: fc.constant(trials), events: fc.integer({ min: 0, max: trials }) }),
      );
    fc.assert(
      fc.property(counts, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (count, limit) => {
        const { lower, upper } = rateBounds(count, 0.01);
        const rate = count.events / count.trials;
        expect(lower).toBeLessThanOrEqual(rate + 1e-12);
        expect(upper).toBeGreaterThanOrEqual(rate - 1e-12);
        if (Math.abs(lower - limit) > 1e-9) expect(isRateOver(count, limit, 0.01)).toBe(lower > limit);
      }),
    );
    expect(rateBounds({ events: 0, trials: 0 }, 0.01)).toEqual({ lower: 0, upper: 1 });
    expect(mixture(3, 100, rateBounds({ events: 3, trials: 100 }, 0.01).upper)).toBeCloseTo(0.01, 6);
  });

  it('does not tire of looking: a sound version looked at after every request is hardly ever condemned', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    let condemned = 0;
    const rollouts = 1000;
    for (let rollout = 0; rollout < rollouts; rollout += 1) {
      let events = 0;
      for (let trials = 1; trials <= 500; trials += 1) {
        if (random() < 0.05) events += 1;
        if (isRateOver({ events, trials }, 0.05, 0.01)) {
          condemned += 1;
          break;
        }
      }
    }
    // An exact 99 % binomial test looked at as often condemns about 6 % of them.
    expect(condemned / rollouts).toBeLessThanOrEqual(0.01);
  });

  it('finds a version that is really worse', () => {
    let requests = 1;
    while (!isRateOver({ events: Math.floor(requests / 10), trials: requests }, 0.01, 0.01)) requests += 1;
    expect(requests).toBeLessThan(100);
  });
});
