import { matchesRef } from './glob.ts';
import { findAccount, type Hub, timestamp } from './hub.ts';
import type { Environment } from './rows/deployment.ts';
import type { Repository } from './rows/repository.ts';
import type { Run } from './rows/run.ts';
import { applies } from './rulesets.ts';

export function findEnvironment(hub: Hub, repo: Repository, name: string): Environment | undefined {
  const wanted = name.toLowerCase();
  return hub.db.find(
    'environments',
    (one) => one.repository_id === repo.id && one.name.toLowerCase() === wanted,
  );
}

/** An environment that a job names comes to be, without rules. */
export function ensureEnvironment(hub: Hub, repo: Repository, name: string): Environment {
  const found = findEnvironment(hub, repo, name);
  if (found) return found;
  const now = timestamp();
  const id = hub.db.nextId();
  return hub.db.put('environments', id, {
    ...{ id, repository_id: repo.id, name, wait_timer: 0, prevent_self_review: false, reviewers: [] },
    ...{ branches: null, secrets: {}, vars: {}, created_at: now, updated_at: now },
  });
}

/** Why a run's ref may not use an environment, or undefined. */
export function branchRefusal(repo: Repository, environment: Environment, run: Run): string | undefined {
  const { branches } = environment;
  if (branches === null) return undefined;
  const name = run.ref.replace(/^refs\/(heads|tags)\//, '');
  const isProtected = repo.rulesets.some(
    (set) => set.target === 'branch' && set.enforcement === 'active' && applies(repo, set, run.ref),
  );
  const allowed =
    branches === 'protected' ? isProtected : branches.some((pattern) => matchesRef(name, pattern));
  const kind = run.ref.startsWith('refs/tags/') ? 'Tag' : 'Branch';
  return allowed
    ? undefined
    : `${kind} "${name}" is not allowed to deploy to ${environment.name} due to environment protection rules.`;
}

/** Whether a person may let a run into an environment that asks for reviewers. */
export function mayReview(hub: Hub, environment: Environment, run: Run, login: string): boolean {
  if (environment.prevent_self_review && run.triggering_actor.toLowerCase() === login.toLowerCase())
    return false;
  const account = findAccount(hub, login);
  return account !== undefined && environment.reviewers.includes(account.login);
}

/**
 * Required reviewers and wait timers: in public repositories on every plan, in private ones on Enterprise
 * only (GitHub docs, actions/reference/workflows-and-actions/deployments-and-environments).
 */
export function planAllowsRules(repo: Pick<Repository, 'private' | 'plan'>): boolean {
  return !repo.private || (repo.plan ?? 'enterprise') === 'enterprise';
}
