import { z } from 'zod';
import { ACTIONS_APP_ID, allows, hasRole } from '../auth.ts';
import {
  type Answer,
  created,
  type Endpoint,
  list,
  noContent,
  ok,
  parseBody,
  type RepoCall,
  repo,
} from '../endpoint.ts';
import { type Hub, timestamp } from '../hub.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { BypassActor, Repository, Rule, Ruleset } from '../rows/repository.ts';
import { isActor, rulesFor } from '../rulesets.ts';
import { htmlUrl, nodeId, repoUrl } from '../shapes/account.ts';

export const rulesets: Endpoint[] = [
  repo('GET /rulesets', 'metadata=read', (call) =>
    list(call, call.repo.rulesets, (set) => rulesetShape(call, set)),
  ),
  repo('POST /rulesets', 'administration=write | admin', createRuleset),
  repo('GET /rulesets/:id', 'metadata=read', (call) => ok(wholeRuleset(call, getRuleset(call)))),
  repo('PUT /rulesets/:id', 'administration=write | admin', updateRuleset),
  repo('DELETE /rulesets/:id', 'administration=write | admin', deleteRuleset),
  repo('GET /rules/branches/*', 'metadata=read', branchRules),
];

const REQUIRED_CHECKS = z.object({
  required_status_checks: z.array(
    z.object({ context: z.string().min(1), integration_id: z.number().int().optional() }),
  ),
  strict_required_status_checks_policy: z.boolean().default(false),
  do_not_enforce_on_create: z.boolean().default(false),
});

const PULL_REQUEST = z.object({
  required_approving_review_count: z.number().int().min(0).max(10).default(0),
  dismiss_stale_reviews_on_push: z.boolean().default(false),
  require_last_push_approval: z.boolean().default(false),
  require_code_owner_review: z.literal(false, 'the local GitHub knows no code owners').default(false),
  required_review_thread_resolution: z
    .literal(false, 'the local GitHub knows no review threads')
    .default(false),
});

const MERGE_QUEUE = z.object({
  check_response_timeout_minutes: z.number().int().min(1).max(360).default(60),
  grouping_strategy: z.enum(['ALLGREEN', 'HEADGREEN']).default('ALLGREEN'),
  max_entries_to_build: z.number().int().min(0).max(100).default(5),
  max_entries_to_merge: z.number().int().min(0).max(100).default(5),
  merge_method: z.enum(['MERGE', 'SQUASH'], 'the local merge queue merges or squashes').default('MERGE'),
  min_entries_to_merge: z.number().int().min(0).max(100).default(1),
  min_entries_to_merge_wait_minutes: z.number().int().min(0).max(360).default(5),
});

/** The rules that the local GitHub holds; a ruleset with any other is refused rather than half kept. */
export const RULES: z.ZodType<Rule[]> = z.array(
  z.discriminatedUnion('type', [
    z
      .object({ type: z.enum(['creation', 'update', 'deletion', 'required_signatures', 'non_fast_forward']) })
      .transform(({ type }) => ({ type })),
    z.object({ type: z.literal('required_status_checks'), parameters: REQUIRED_CHECKS }),
    z.object({ type: z.literal('pull_request'), parameters: PULL_REQUEST.prefault({}) }),
    z.object({ type: z.literal('merge_queue'), parameters: MERGE_QUEUE.prefault({}) }),
  ]),
);

const BYPASS = z.object({
  actor_id: z.number().int().nullable().default(null),
  actor_type: z.enum(['Integration', 'OrganizationAdmin', 'RepositoryRole', 'User']),
  bypass_mode: z.enum(['always', 'pull_request']).default('always'),
});

const CONDITIONS = z.object({
  ref_name: z.object({ include: z.array(z.string()), exclude: z.array(z.string()).default([]) }),
});

const RULESET = z.object({
  name: z.string().min(1),
  target: z.enum(['branch', 'tag']).default('branch'),
  enforcement: z.enum(['active', 'disabled', 'evaluate']),
  bypass_actors: z.array(BYPASS).default([]),
  conditions: CONDITIONS.default({ ref_name: { include: [], exclude: [] } }),
  rules: RULES.default([]),
});

function createRuleset(call: RepoCall): Answer {
  const { conditions, ...input } = parseBody(call, RULESET);
  checkActors(call, input.bypass_actors);
  checkIntegrations(call, input.rules);
  const now = timestamp();
  const made: Ruleset = {
    id: call.hub.db.nextId(),
    ...input,
    ...conditions.ref_name,
    ...{ created_at: now, updated_at: now },
  };
  call.repo.rulesets = [...call.repo.rulesets, made];
  call.hub.db.put('repositories', call.repo.id, call.repo);
  return created(wholeRuleset(call, made));
}

function updateRuleset(call: RepoCall): Answer {
  const set = getRuleset(call);
  const { conditions, ...input } = parseBody(call, RULESET.partial());
  const sent = Object.keys(Object(call.body));
  const given = Object.fromEntries(Object.entries(input).filter(([key]) => sent.includes(key)));
  const changed: Ruleset = {
    ...{ ...set, ...given, updated_at: timestamp() },
    ...(conditions && sent.includes('conditions') ? conditions.ref_name : {}),
  };
  checkActors(call, changed.bypass_actors);
  checkIntegrations(call, changed.rules);
  call.repo.rulesets = call.repo.rulesets.map((one) => (one.id === set.id ? changed : one));
  call.hub.db.put('repositories', call.repo.id, call.repo);
  return ok(wholeRuleset(call, changed));
}

function deleteRuleset(call: RepoCall): Answer {
  const set = getRuleset(call);
  call.repo.rulesets = call.repo.rulesets.filter(({ id }) => id !== set.id);
  call.hub.db.put('repositories', call.repo.id, call.repo);
  return noContent();
}

/** GITHUB_TOKEN cannot be let past a ruleset (seen in tetherto/qvac#3555, FriendlyInternet/nuxt-crouton#1942). */
function checkActors({ hub, repo: row }: RepoCall, actors: BypassActor[]): void {
  for (const { actor_type, actor_id } of actors) {
    if (actor_type !== 'Integration' || isInstalled(hub, row, actor_id)) continue;
    const name = actor_id === ACTIONS_APP_ID ? 'GitHub Actions' : String(actor_id);
    throw new Refusal(422, 'Validation Failed', {
      errors: [`Actor ${name} integration must be part of the ruleset source or owner organization`],
    });
  }
}

/**
 * GitHub docs, available-rules-for-rulesets: an app that is the expected source of a check "must be installed
 * in the repository with the statuses:write permission, must have recently submitted a check run". That the API
 * refuses it as the settings page does is assumed (docs/real-github-check.md, A17).
 */
function checkIntegrations({ hub, repo: row }: RepoCall, rules: Rule[]): void {
  for (const rule of rules) {
    if (rule.type !== 'required_status_checks') continue;
    for (const { integration_id } of rule.parameters.required_status_checks) {
      if (integration_id === undefined || integration_id === ACTIONS_APP_ID) continue;
      const app = isInstalled(hub, row, integration_id) ? hub.db.get('apps', integration_id) : undefined;
      if (app && allows(app.permissions, 'statuses=write') && hasChecked(hub, row, integration_id)) continue;
      throw new Refusal(422, 'Validation Failed', {
        errors: [
          `Integration ${integration_id} must be installed with the statuses:write permission and have recently submitted a check run`,
        ],
      });
    }
  }
}

const RECENT_MS = 7 * 24 * 3_600_000;

function hasChecked(hub: Hub, row: Repository, app: number): boolean {
  const since = Date.now() - RECENT_MS;
  const recent = ({ started_at }: { started_at: string }) => Date.parse(started_at) >= since;
  return (
    hub.db.find('checks', (one) => one.repository_id === row.id && one.app_id === app && recent(one)) !==
    undefined
  );
}

function isInstalled(hub: Hub, row: Repository, app: number | null): boolean {
  return (
    hub.db.find('installations', (one) => one.app_id === app && one.repository_ids.includes(row.id)) !==
    undefined
  );
}

function getRuleset(call: RepoCall): Ruleset {
  const found = call.repo.rulesets.find(({ id }) => String(id) === call.params.id);
  if (!found) throw notFound();
  return found;
}

function rulesetShape({ hub, repo: row }: RepoCall, set: Ruleset) {
  const { id, name, target, enforcement, created_at, updated_at } = set;
  return {
    ...{ id, name, target, source_type: 'Repository', source: `${row.owner}/${row.name}`, enforcement },
    node_id: nodeId('RepositoryRuleset', id),
    _links: {
      self: { href: repoUrl(hub, row, `/rulesets/${id}`) },
      html: { href: htmlUrl(hub, row, `/rules/${id}`) },
    },
    ...{ created_at, updated_at },
  };
}

/** GitHub docs, rest/repos/rules: `bypass_actors` only for who may edit the ruleset. */
function wholeRuleset(call: RepoCall, set: Ruleset) {
  const { hub, repo: row, actor } = call;
  const isAdmin = actor.kind === 'user' && hasRole(hub, row, actor.login, 'admin');
  return {
    ...rulesetShape(call, set),
    conditions: { ref_name: { include: set.include, exclude: set.exclude } },
    rules: set.rules,
    current_user_can_bypass: bypassMode(call, set),
    ...(isAdmin ? { bypass_actors: set.bypass_actors } : {}),
  };
}

function bypassMode({ hub, repo: row, actor }: RepoCall, set: Ruleset) {
  const mine = set.bypass_actors.filter((one) => isActor({ hub, repo: row, actor }, one));
  if (mine.some(({ bypass_mode }) => bypass_mode === 'always')) return 'always';
  return mine.length > 0 ? 'pull_requests_only' : 'never';
}

function branchRules(call: RepoCall) {
  const { hub, repo: row } = call;
  const ref = `refs/heads/${call.params['*'] ?? ''}`;
  const rules = row.rulesets.flatMap((set) =>
    rulesFor({ hub, repo: { ...row, rulesets: [set] }, ref, actor: { kind: 'anonymous' } }).map((rule) => ({
      ...rule,
      ...{
        ruleset_source_type: 'Repository',
        ruleset_source: `${row.owner}/${row.name}`,
        ruleset_id: set.id,
      },
    })),
  );
  return list(call, rules, (rule) => rule);
}
