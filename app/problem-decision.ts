import type { Problem } from '#lib/lifecycle/problem.ts';

export type ProblemFacts = {
  /** null: something is missing or wrong. */
  problem: Problem | null;
  approved: boolean;
  held: boolean;
  /** On the default branch already. */
  isDefined: boolean;
  /** Number of the definition pull request, whatever became of it. */
  pull: number | null;
};

export type ProblemPlan =
  | { kind: 'incomplete' }
  | { kind: 'defined' }
  | { kind: 'held' }
  | { kind: 'ask' }
  | { kind: 'define' }
  | { kind: 'proposed'; pull: number };

/** What comes next for a problem issue. */
export function decideProblem({ problem, approved, held, isDefined, pull }: ProblemFacts): ProblemPlan {
  if (pull !== null) return { kind: 'proposed', pull };
  if (problem === null) return { kind: 'incomplete' };
  if (isDefined) return { kind: 'defined' };
  if (held) return { kind: 'held' };
  return approved ? { kind: 'define' } : { kind: 'ask' };
}
