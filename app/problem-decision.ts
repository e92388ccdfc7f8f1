import type { Problem } from '#lib/lifecycle/problem.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';

/** `problem`: digest of the problem.yml that it brings, or that the default branch has by now; null = it can't be read. */
export type Definition = {
  number: number;
  state: 'open' | 'merged' | 'closed';
  problem: Digest | null;
};

export type ProblemFacts = {
  /** null: something is missing or wrong. */
  problem: Problem | null;
  /** Of what the issue says now. */
  digest: Digest | null;
  approved: boolean;
  held: boolean;
  /** On the default branch already. */
  isDefined: boolean;
  /** The definition pull request, whatever became of it. */
  pull: Definition | null;
};

export type ProblemPlan =
  | { kind: 'incomplete' }
  | { kind: 'defined' }
  | { kind: 'held' }
  | { kind: 'ask' }
  | { kind: 'define' }
  /** `differs`: the issue says something else by now than problem.yml, which is what counts. */
  | { kind: 'proposed'; pull: Definition; differs: boolean };

/** What comes next for a problem issue. */
export function decideProblem(facts: ProblemFacts): ProblemPlan {
  const { problem, digest, approved, held, isDefined, pull } = facts;
  if (pull !== null) return { kind: 'proposed', pull, differs: pull.problem !== digest };
  if (problem === null) return { kind: 'incomplete' };
  if (isDefined) return { kind: 'defined' };
  if (held) return { kind: 'held' };
  return approved ? { kind: 'define' } : { kind: 'ask' };
}
