import { describe, expect, test } from 'vitest';
import type { ServedVersion } from '#lib/lifecycle/serving.ts';
import { standingOf, versionOf } from '../../actions/deploy/plain-version.ts';
import { digest } from '../formats/sample-evidence.ts';

const candidate = digest('c');

function one(version: string, weight: number, of = digest(version[2] ?? '0')): ServedVersion {
  return { version, candidate: of, bundle: digest('b'), model: digest('a'), weight };
}

type Row = {
  title: string;
  served: ServedVersion[];
  taken?: number;
  n: number;
  previous: string | null;
  isInForce?: boolean;
};

const table: Row[] = [
  { title: 'nothing serves', served: [], n: 1, previous: null },
  { title: 'another machine deployed before', served: [one('0.4.0', 100)], n: 5, previous: '0.4.0' },
  { title: 'a rollout after that failed', served: [one('0.4.0', 100)], taken: 5, n: 6, previous: '0.4.0' },
  {
    title: 'the candidate is in force',
    served: [one('0.4.0', 100, candidate)],
    taken: 4,
    n: 4,
    previous: null,
    isInForce: true,
  },
  {
    title: 'its canary was cut short',
    served: [one('0.4.0', 75), one('0.5.0', 25, candidate)],
    taken: 5,
    n: 5,
    previous: '0.4.0',
  },
  { title: 'it was staged and its job died', served: [one('0.1.0', 0, candidate)], n: 1, previous: null },
  { title: 'another was staged and never served', served: [one('0.1.0', 0)], n: 2, previous: null },
  {
    title: 'somebody else’s canary stands',
    served: [one('0.2.0', 40), one('0.1.0', 60)],
    n: 3,
    previous: '0.1.0',
  },
  { title: 'the app deployed before', served: [one('1.3.0', 100)], n: 1, previous: '1.3.0' },
  {
    title: 'the app deployed this candidate',
    served: [one('1.3.0', 100, candidate)],
    n: 1,
    previous: '1.3.0',
  },
];

describe('where a rollout without the app starts', () => {
  test.each(table)('$title', ({ served, taken = 0, n, previous, isInForce = false }) => {
    const found = standingOf({ served, candidate, taken });
    expect({ ...found, previous: found.previous?.version ?? null }).toEqual({ n, previous, isInForce });
    if (found.previous !== null) expect(found.previous).not.toHaveProperty('weight');
    expect(versionOf(found.n)).toBe(`0.${n}.0`);
  });
});
