import { type Actor, appOf } from './auth.ts';
import type { RefUpdate } from './git-refs.ts';
import { ZERO } from './git-refs.ts';
import { matchesRef } from './glob.ts';
import type { Hub } from './hub.ts';
import type { Repository, Rule, Ruleset } from './model.ts';
import { latestChecks, latestStatuses } from './shapes/check.ts';

export function rulesFor(options: { repo: Repository; ref: string; actor: Actor }): Rule[] {
  const { repo, ref, actor } = options;
  const app = appOf(actor);
  return repo.rulesets
    .filter((set) => applies(repo, set, ref) && !(app !== undefined && set.bypass_apps.includes(app)))
    .flatMap(({ rules }) => rules);
}

function applies(repo: Repository, set: Ruleset, ref: string): boolean {
  if (!ref.startsWith(set.target === 'branch' ? 'refs/heads/' : 'refs/tags/')) return false;
  const matches = (pattern: string) => {
    if (pattern === '~ALL') return true;
    if (pattern === '~DEFAULT_BRANCH') return ref === `refs/heads/${repo.default_branch}`;
    return matchesRef(ref, pattern);
  };
  return set.include.some(matches) && !set.exclude.some(matches);
}

/** Why a ref may not be changed like this, or undefined. */
export function refRefusal(options: {
  repo: Repository;
  update: RefUpdate;
  actor: Actor;
}): string | undefined {
  const { repo, update, actor } = options;
  const kind = update.before === ZERO ? 'creation' : update.after === ZERO ? 'deletion' : 'update';
  if (!rulesFor({ repo, ref: update.ref, actor }).some(({ type }) => type === kind)) return undefined;
  const verb = { creation: 'create', update: 'update', deletion: 'delete' }[kind];
  return `Cannot ${verb} ${update.ref} due to repository rule violations`;
}

const PASSES = ['success', 'neutral', 'skipped'];

/** Contexts that a branch requires and a commit has not passed. */
export function missingChecks(options: {
  hub: Hub;
  repo: Repository;
  branch: string;
  sha: string;
  actor: Actor;
}): string[] {
  const { hub, repo, branch, sha, actor } = options;
  const checks = latestChecks(hub, repo, sha);
  const statuses = latestStatuses(hub, repo, sha);
  return rulesFor({ repo, ref: `refs/heads/${branch}`, actor })
    .flatMap((rule) => (rule.type === 'required_status_checks' ? rule.parameters.required_status_checks : []))
    .filter(({ context, integration_id }) => {
      const named = checks.filter(
        ({ name, app_id }) => name === context && (integration_id === undefined || app_id === integration_id),
      );
      const status =
        integration_id === undefined ? statuses.find((one) => one.context === context) : undefined;
      if (named.length === 0) return status?.state !== 'success';
      return !named.every(({ conclusion }) => PASSES.includes(conclusion ?? ''));
    })
    .map(({ context }) => context);
}
