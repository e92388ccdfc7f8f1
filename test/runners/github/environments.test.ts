import { expect, test } from 'vitest';
import { branchRefusal } from '../../../runners/local/github/environments.ts';
import type { Environment } from '../../../runners/local/github/rows/deployment.ts';
import type { Repository } from '../../../runners/local/github/rows/repository.ts';
import type { Run } from '../../../runners/local/github/rows/run.ts';

type Rule = Partial<Repository['rulesets'][number]>;

function refused(set: Rule): boolean {
  const ruleset = { target: 'branch', include: ['~ALL'], exclude: [], enforcement: 'active', ...set };
  const repo = { default_branch: 'main', rulesets: [ruleset] } as unknown as Repository;
  const environment = { name: 'production', branches: 'protected' } as Environment;
  return branchRefusal(repo, environment, { ref: 'refs/heads/topic' } as Run) !== undefined;
}

// GitHub docs, managing-environments-for-deployment: "Protected branches only".
test.each<[string, Rule, boolean]>([
  ['a ruleset for all branches', {}, false],
  ['one for another branch', { include: ['~DEFAULT_BRANCH'] }, true],
  ['one that leaves this branch out', { exclude: ['refs/heads/topic'] }, true],
  ['one that is switched off', { enforcement: 'disabled' }, true],
  ['one for tags', { target: 'tag' }, true],
])('%s: does a branch count as protected for an environment', (_what, set, isRefused) => {
  expect(refused(set)).toBe(isRefused);
});
