import { type Actor, appOf, hasRole } from './auth.ts';
import type { RefUpdate } from './git-refs.ts';
import { ZERO } from './git-refs.ts';
import { matchesRef } from './glob.ts';
import { findAccount, type Hub } from './hub.ts';
import type { BypassActor, Repository, RequiredCheck, Role, Rule, Ruleset } from './rows/repository.ts';
import { latestChecks, latestStatuses } from './shapes/check.ts';

type Asked = {
  hub: Hub;
  repo: Repository;
  ref: string;
  actor: Actor;
  /** A bypass "for pull requests only" counts for merges and for nothing else. */
  merging?: boolean;
};

export function rulesFor({ hub, repo, ref, actor, merging = false }: Asked): Rule[] {
  const passes = (one: BypassActor) =>
    (one.bypass_mode === 'always' || merging) && isActor({ hub, repo, actor }, one);
  return repo.rulesets
    .filter((set) => set.enforcement === 'active' && applies(repo, set, ref))
    .filter((set) => !set.bypass_actors.some(passes))
    .flatMap(({ rules }) => rules);
}

const ROLE_IDS: Record<number, Role> = { 2: 'maintain', 4: 'write', 5: 'admin' };

export function isActor(who: { hub: Hub; repo: Repository; actor: Actor }, bypass: BypassActor): boolean {
  const { hub, repo, actor } = who;
  if (bypass.actor_type === 'Integration') return appOf(actor) === bypass.actor_id;
  if (actor.kind !== 'user') return false;
  if (bypass.actor_type === 'User') return findAccount(hub, actor.login)?.id === bypass.actor_id;
  if (bypass.actor_type === 'OrganizationAdmin') return actor.login === repo.owner;
  const role = ROLE_IDS[bypass.actor_id ?? 0];
  return role !== undefined && hasRole(hub, repo, actor.login, role);
}

/** Whether a ref is among those that a ruleset names. */
export function applies(repo: Repository, set: Ruleset, ref: string): boolean {
  if (!ref.startsWith(set.target === 'branch' ? 'refs/heads/' : 'refs/tags/')) return false;
  const matches = (pattern: string) => {
    if (pattern === '~ALL') return true;
    if (pattern === '~DEFAULT_BRANCH') return ref === `refs/heads/${repo.default_branch}`;
    return matchesRef(ref, pattern);
  };
  return set.include.some(matches) && !set.exclude.some(matches);
}

/** Why a ref may not be changed like this, or undefined. A merge has answered for its checks before. */
export function refRefusal(options: {
  hub: Hub;
  repo: Repository;
  update: RefUpdate;
  actor: Actor;
  merging?: boolean;
}): string | undefined {
  const { hub, repo, update, actor, merging = false } = options;
  const kind = update.before === ZERO ? 'creation' : update.after === ZERO ? 'deletion' : 'update';
  const frozen = frozenRefusal(hub, repo, update);
  if (frozen) return frozen;
  const rules = rulesFor({ hub, repo, ref: update.ref, actor, merging });
  if (rules.some(({ type }) => type === kind)) {
    const verb = { creation: 'create', update: 'update', deletion: 'delete' }[kind];
    return `Cannot ${verb} ${update.ref} due to repository rule violations`;
  }
  if (merging || kind === 'deletion') return undefined;
  const why = rules.map((rule) => pushRefusal({ hub, repo, rule, update })).find(Boolean);
  return why && `Repository rule violations found for ${update.ref}.\n\n- ${why}\n`;
}

/**
 * GitHub docs, code-security/concepts/supply-chain-security/immutable-releases: a release's tag is neither moved nor
 * deleted while the release is there, and its name is never used again. The words are assumed (A23).
 */
function frozenRefusal(hub: Hub, repo: Repository, { ref, before }: RefUpdate): string | undefined {
  const tag = ref.startsWith('refs/tags/') ? ref.slice(10) : '';
  if (!repo.frozen_tags?.includes(tag)) return undefined;
  if (before === ZERO) return `Cannot create ${ref}: the tag was used by an immutable release`;
  const kept = hub.db.find(
    'releases',
    (one) => one.repository_id === repo.id && one.immutable === true && one.tag_name === tag,
  );
  return kept && `Cannot change ${ref}: it is the tag of an immutable release`;
}

/** Whether a ref may only be moved forward. */
export function refusesForce(asked: Asked): boolean {
  return rulesFor(asked).some(({ type }) => type === 'non_fast_forward');
}

export const FORCED = 'Cannot force-push to this branch';

/** GitHub docs, available-rules-for-rulesets: what a direct push may not do. */
function pushRefusal(on: { hub: Hub; repo: Repository; rule: Rule; update: RefUpdate }): string | undefined {
  const { hub, repo, rule, update } = on;
  const creates = update.before === ZERO;
  if (rule.type === 'pull_request' && !creates) return 'Changes must be made through a pull request.';
  if (rule.type === 'merge_queue' && !creates) return 'Changes must be made through the merge queue';
  if (rule.type === 'required_signatures' && !hub.db.get('verified', update.after))
    return 'Commits must have verified signatures.';
  if (rule.type !== 'required_status_checks') return undefined;
  if (creates && rule.parameters.do_not_enforce_on_create) return undefined;
  const required = rule.parameters.required_status_checks;
  const missing = requiredStates({ hub, repo, sha: update.after, required }).filter(notPassed);
  return missing.length === 0 ? undefined : missingText(missing.map(({ context }) => context));
}

const PASSES = ['success', 'neutral', 'skipped'];

export type RequiredState = { context: string; state: 'missing' | 'pending' | 'failed' | 'passed' };

export function notPassed({ state }: RequiredState): boolean {
  return state !== 'passed';
}

/** Where each required check stands on a commit. One that is bound to an app counts from that app alone. */
export function requiredStates(on: {
  hub: Hub;
  repo: Repository;
  sha: string;
  required: RequiredCheck[];
}): RequiredState[] {
  const { hub, repo, sha, required } = on;
  const checks = latestChecks(hub, repo, sha);
  const statuses = latestStatuses(hub, repo, sha);
  return required.map(({ context, integration_id }) => {
    const named = checks.filter(
      ({ name, app_id }) => name === context && (integration_id === undefined || app_id === integration_id),
    );
    if (named.some(({ status }) => status !== 'completed')) return { context, state: 'pending' };
    if (named.length > 0) {
      const passed = named.every(({ conclusion }) => PASSES.includes(conclusion ?? ''));
      return { context, state: passed ? 'passed' : 'failed' };
    }
    const status = integration_id === undefined ? statuses.find((one) => one.context === context) : undefined;
    if (!status) return { context, state: 'missing' };
    const state = { success: 'passed', pending: 'pending', error: 'failed', failure: 'failed' } as const;
    return { context, state: state[status.state] };
  });
}

/** Every check that a branch requires, as it stands on a commit. */
export function branchChecks(options: {
  hub: Hub;
  repo: Repository;
  branch: string;
  sha: string;
  actor: Actor;
}): RequiredState[] {
  const { hub, repo, branch, sha, actor } = options;
  const rules = rulesFor({ hub, repo, ref: `refs/heads/${branch}`, actor, merging: true });
  const required = rules.flatMap((rule) =>
    rule.type === 'required_status_checks' ? rule.parameters.required_status_checks : [],
  );
  return requiredStates({ hub, repo, sha, required });
}

export function missingText(missing: string[]): string {
  return missing.length === 1
    ? `Required status check "${missing[0]}" is expected.`
    : `${missing.length} of ${missing.length} required status checks are expected.`;
}
