import type { GateResult } from './evidence.ts';
import type { Verdict } from './verdict.ts';

export type StandingFacts = {
  /** Opened by the app on a branch of its own, for a window of data time. */
  isRetraining: boolean;
  /** Who opened it, committed to it or caused it; the app itself is nobody. */
  people: { author: string | null; committers: readonly string[]; causers: readonly string[] };
  /** What it changes besides data.yml and what Roundhouse writes. */
  otherPaths: readonly string[];
  contract: Verdict;
  gates: readonly Pick<GateResult, 'name' | 'verdict'>[];
  /** The approval of this very procedure; null while it is not complete. */
  approval: { people: readonly string[]; since: string; expires: string } | null;
  /** Parts that differ from the procedure of this model that was approved last; empty where none ever was. */
  changed: readonly string[];
  /** Versions that were made by this approval before. */
  used: number;
  max_versions: number;
  now: string;
};

export type StandingDecision =
  /** `version`: the how many of `of` this one is. */
  | { kind: 'approved'; people: readonly string[]; version: number; of: number }
  | { kind: 'deviates'; reasons: string[] };

/**
 * Whether a candidate is approved because people approved the procedure that made it. Everything has to be as they
 * approved it, and every gate passed: what the data cannot tell is for people.
 */
export function decideStanding(facts: StandingFacts): StandingDecision {
  const { approval, used, max_versions } = facts;
  const reasons = deviationsOf(facts);
  if (approval === null || reasons.length > 0) return { kind: 'deviates', reasons };
  return { kind: 'approved', people: approval.people, version: used + 1, of: max_versions };
}

function deviationsOf(facts: StandingFacts): string[] {
  const { author, committers, causers } = facts.people;
  const { approval, used, max_versions, now, otherPaths, contract, gates, changed } = facts;
  const open = gates.filter(({ verdict }) => verdict !== 'passed');
  return [
    ...(facts.isRetraining ? [] : ['it is no retraining that Roundhouse opened']),
    ...(author === null ? [] : [`${author} opened it`]),
    ...committers.map((login) => `${login} committed to it`),
    ...causers.map((login) => `${login} asked for it`),
    ...(otherPaths.length === 0 ? [] : [`it changes ${otherPaths.join(', ')}`]),
    ...(contract === 'passed' ? [] : [`the data contract is ${contract}`]),
    ...(gates.length === 0 ? ['no gate was judged'] : []),
    ...open.map(({ name, verdict }) => `the gate "${name}" is ${verdict}`),
    ...(approval === null
      ? [
          changed.length === 0
            ? 'the procedure is not approved'
            : `other than in the procedure that was approved: ${changed.join(', ')}`,
        ]
      : []),
    ...(approval !== null && approval.expires <= now
      ? [`the approval of the procedure ended at ${approval.expires}`]
      : []),
    ...(used >= max_versions ? [`${max_versions} versions were made by it, as many as were approved`] : []),
  ];
}
