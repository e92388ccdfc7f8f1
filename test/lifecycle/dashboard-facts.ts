import { checklistOf } from '#lib/lifecycle/checklist/checklist.ts';
import type { BoardPull, DashboardFacts } from '#lib/lifecycle/dashboard/facts.ts';
import { digest } from '../formats/sample-evidence.ts';
import { fullFacts, NOW } from './checklist-facts.ts';

/** A model that serves its second version. */
export function fullBoard(): DashboardFacts {
  const facts = fullFacts();
  const estimate = { estimate: 38.4, lower: 34.6, upper: 42.2 };
  const version = { trainer: 'mlp', metric: 'mae', verdict: 'passed' as const };
  return {
    facts,
    checklist: checklistOf(facts, NOW),
    environments: [{ name: 'production', version: '1.1.0', rollout: facts.rollouts.at(-1) ?? null }],
    versions: [
      {
        ...version,
        version: '1.1.0',
        candidate: digest('d'),
        at: '2026-02-27T10:00:00Z',
        serves: ['production'],
        estimate,
        trivial: { estimate: 98.7, lower: 90, upper: 110 },
      },
      {
        ...version,
        version: '1.0.0',
        candidate: digest('0'),
        at: '2026-01-27T10:00:00Z',
        serves: [],
        estimate: null,
        trivial: null,
      },
    ],
    pulls: [],
    health: null,
    frozen: [],
    locked: '1.1.0',
  };
}

export function boardPull(change: Partial<BoardPull> = {}): BoardPull {
  return {
    number: 7,
    title: 'A smaller network',
    url: 'https://github.com/acme/bikes/pull/7',
    head: '1'.repeat(40),
    gate: '0 of 1 approvals; missing: 1 by ml-lead',
    isRetraining: false,
    asks: [
      { subject: 'candidate', digest: digest('a'), given: [], missing: [{ count: 1, roles: ['ml-lead'] }] },
    ],
    hold: null,
    ...change,
  };
}
