import { GATE, STATE_REF } from './app-needs.ts';
import { type Check, fail, ok, skip, warn } from './doctor.ts';

/** One ruleset as it reaches the refs that matter. */
export type RulesetFact = {
  name: string;
  active: boolean;
  /** Which of `watchedRefs` it is about. */
  covers: readonly string[];
  rules: readonly { type: string; parameters?: Record<string, unknown> | undefined }[];
  /** Null: shown to administrators only. */
  bypass: readonly { type: string; id: number | null; mode: string }[] | null;
  /** What GitHub says of the app itself; null where nobody asked in its name. */
  appBypasses: boolean | null;
};

/** One name of each kind that the registry makes. */
const REGISTRY_REFS = ['bikes@v1.2.0', 'bikes@v1.2.0!', 'bikes#production#3', 'bikes@deprecated#5'].map(
  (tag) => `refs/tags/${tag}`,
);
const WORK_REF = 'refs/heads/roundhouse-define-bikes';

export function watchedRefs(defaultBranch: string): string[] {
  return [...REGISTRY_REFS, STATE_REF, WORK_REF, `refs/heads/${defaultBranch}`];
}

export type RulesFacts = {
  rulesets: readonly RulesetFact[];
  /** Required checks of classic branch protection; null app = any. */
  classic: readonly { context: string; app: number | null }[];
  defaultBranch: string;
  /** Null where it is not known which app it is. */
  appId: number | null;
};

export function checkRules(facts: RulesFacts): Check[] {
  const active = facts.rulesets.filter((set) => set.active);
  const on = (ref: string) => active.filter(({ covers }) => covers.includes(ref));
  const main = on(`refs/heads/${facts.defaultBranch}`);
  return [
    checkGate(main, facts),
    checkClosed({ name: 'ruleset registry tags', refs: REGISTRY_REFS, on, appId: facts.appId }),
    checkClosed({ name: 'ruleset branch roundhouse', refs: [STATE_REF], on, appId: facts.appId }),
    ...checkBroad(on, facts.appId),
    ...checkReviews(main),
    checkQueue(main),
  ];
}

const PRINT = '`roundhouse doctor --github --rulesets` prints it for an administrator';

function checkGate(main: RulesetFact[], { classic, appId }: RulesFacts): Check {
  const name = 'ruleset gate';
  const required = [
    ...main.flatMap(({ rules }) =>
      rules
        .filter(({ type }) => type === 'required_status_checks')
        .flatMap(({ parameters }) => requiredChecks(parameters)),
    ),
    ...classic,
  ].filter(({ context }) => context === GATE);
  if (required.length === 0)
    return fail(name, `no rule of the default branch requires ${GATE}: anything can be merged`, PRINT);
  const bound = required.filter(({ app }) => app !== null);
  if (bound.length === 0)
    return fail(
      name,
      `${GATE} is required of anybody: whoever may write can set it green`,
      `bind it to the app: ${PRINT}`,
    );
  if (appId === null)
    return skip(
      name,
      `${GATE} is bound to app ${bound[0]?.app}: set APP_ID to know whether that is this one`,
    );
  if (bound.some(({ app }) => app === appId)) return ok(name, `${GATE} is required, and of this app`);
  return fail(
    name,
    `${GATE} is bound to app ${bound[0]?.app}, and this one is ${appId}`,
    `bind it to the app: ${PRINT}`,
  );
}

function requiredChecks(
  parameters: Record<string, unknown> | undefined,
): { context: string; app: number | null }[] {
  const listed = parameters?.required_status_checks;
  if (!Array.isArray(listed)) return [];
  return (listed as { context: string; integration_id?: number | null }[]).map(
    ({ context, integration_id: app }) => ({ context, app: app ?? null }),
  );
}

const CLOSING = ['creation', 'update', 'deletion'];

type Closing = { name: string; refs: string[]; on: (ref: string) => RulesetFact[]; appId: number | null };

/** Nobody but the app may make, move or delete these refs, and the app may. */
function checkClosed({ name, refs, on, appId }: Closing): Check {
  const open = refs.flatMap((ref) => {
    const rules = on(ref).flatMap((set) => set.rules.map(({ type }) => type));
    const missing = CLOSING.filter((type) => !rules.includes(type));
    return missing.length === 0 ? [] : [`${ref}: ${missing.join(', ')} not restricted`];
  });
  if (open.length > 0) return fail(name, `whoever may write can forge it\n${open.join('\n')}`, PRINT);
  const sets = [...new Set(refs.flatMap(on))].filter(({ rules }) =>
    rules.some(({ type }) => CLOSING.includes(type)),
  );
  const shut = sets.filter((set) => bypassOf(set, appId) === 'no');
  if (shut.length > 0)
    return fail(
      name,
      `${names(shut)} keeps the app out too`,
      'make the app a bypass actor of it, mode "Always allow"',
    );
  const others = sets.flatMap(({ bypass }) => (bypass ?? []).filter((actor) => !isApp(actor, appId)));
  if (others.length > 0)
    return warn(
      name,
      `the app is not alone: ${others.map(({ type, id }) => `${type} ${id ?? ''}`.trim()).join(', ')} may bypass it`,
      'take the other bypass actors out: they can forge versions and records',
    );
  if (sets.some(({ bypass }) => bypass === null))
    return skip(
      name,
      'restricted; who may bypass it is shown to administrators only',
      'run it with GITHUB_TOKEN of an administrator',
    );
  if (appId === null)
    return skip(name, 'restricted; set APP_ID to know whether the bypass actor is this app');
  return ok(name, 'restricted to the app');
}

function isApp(actor: { type: string; id: number | null }, appId: number | null): boolean {
  return actor.type === 'Integration' && (appId === null || actor.id === appId);
}

function bypassOf({ bypass, appBypasses }: RulesetFact, appId: number | null): 'yes' | 'no' | 'unknown' {
  if (appBypasses !== null) return appBypasses ? 'yes' : 'no';
  if (bypass === null) return 'unknown';
  return bypass.some((actor) => isApp(actor, appId) && actor.mode !== 'pull_request') ? 'yes' : 'no';
}

/** What the app's own pushes never break: GitHub signs its commits, and it never forces. */
const HARMLESS = ['required_signatures', 'non_fast_forward', 'deletion', 'merge_queue'];

/** Rules that were meant for people's branches and hit those of the app. */
function checkBroad(on: (ref: string) => RulesetFact[], appId: number | null): Check[] {
  const name = 'rules on the app’s branches';
  const hits = [STATE_REF, WORK_REF].flatMap((ref) =>
    on(ref).flatMap((set) => {
      const types = set.rules
        .map(({ type }) => type)
        .filter((type) => !HARMLESS.includes(type) && !(ref === STATE_REF && CLOSING.includes(type)));
      const bypass = bypassOf(set, appId);
      return types.length === 0 || bypass === 'yes' ? [] : [{ ref, set, types, bypass }];
    }),
  );
  if (hits.length === 0) return [ok(name, 'none stops its pushes')];
  const found = hits.map(({ ref, set, types }) => `"${set.name}" on ${ref}: ${types.join(', ')}`).join('\n');
  const fix = 'exclude refs/heads/roundhouse and refs/heads/roundhouse-* from that ruleset';
  if (hits.every(({ bypass }) => bypass === 'unknown'))
    return [skip(name, `${found}\nwhether the app bypasses it is shown to administrators only`, fix)];
  return [fail(name, found, fix)];
}

function checkReviews(main: RulesetFact[]): Check[] {
  const name = 'native reviews';
  const rules = main.flatMap((set) => set.rules);
  const reviews = rules
    .filter(({ type }) => type === 'pull_request')
    .map(({ parameters }) => parameters ?? {});
  const count = Math.max(0, ...reviews.map((one) => Number(one.required_approving_review_count ?? 0)));
  const signed = rules.some(({ type }) => type === 'required_signatures');
  const signatures = signed
    ? [
        warn(
          'signed commits',
          'required on the default branch: GitHub lets only the author squash, and the author of retraining is the app',
          'merge those pull requests with a merge commit',
        ),
      ]
    : [];
  if (count === 0) return [ok(name, 'none required beside the gate'), ...signatures];
  const stale = reviews.some((one) => one.dismiss_stale_reviews_on_push === true);
  const last = reviews.some((one) => one.require_last_push_approval === true);
  const told = [
    `${count} required beside the gate`,
    ...(stale ? ['a push dismisses them'] : []),
    ...(last ? ['the newest push needs one by somebody else'] : []),
  ];
  return [
    warn(
      name,
      told.join(', '),
      'review after the app has committed the locks: a review before is lost. Approvals by comment do not count for this rule',
    ),
    ...signatures,
  ];
}

function checkQueue(main: RulesetFact[]): Check {
  const queue = main.flatMap((set) => set.rules).find(({ type }) => type === 'merge_queue');
  if (queue === undefined) return ok('merge queue', 'none');
  const wait = Number(queue.parameters?.check_response_timeout_minutes ?? 0);
  const group = Number(queue.parameters?.max_entries_to_merge ?? 0);
  return ok('merge queue', `${group} at once, checks have ${wait} minutes; the gate answers on groups too`);
}

/** A private repository whose plan has no rulesets. */
export function checkNoRules(): Check {
  return warn(
    'rulesets',
    'the plan of this private repository has none: nothing enforces the gate, and whoever may write can forge tags and records',
    'take GitHub Team or Pro, or make it public; until then the gate is a convention',
  );
}

function names(sets: readonly RulesetFact[]): string {
  return sets.map(({ name }) => `"${name}"`).join(', ');
}
