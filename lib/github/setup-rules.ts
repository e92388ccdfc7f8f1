import type { Octokit } from 'octokit';
import { matchesGlob } from '../formats/glob.ts';
import type { Read } from '../lifecycle/doctor.ts';
import { type RulesetFact, type RulesFacts, watchedRefs } from '../lifecycle/doctor-rules.ts';
import { orNull, statusOf } from './repository.ts';
import { type Asker, readAs } from './setup-read.ts';

type Place = { owner: string; repo: string };
type Wanted = Place & { defaultBranch: string; appId: number | null };

/** Rulesets, of the organization too, and classic protection of the default branch. Null: the plan has none. */
export async function readRules(
  askers: readonly Asker[],
  { defaultBranch, appId, ...place }: Wanted,
): Promise<Read<RulesFacts | null>> {
  const refs = watchedRefs(defaultBranch);
  const asApp = askers.find(({ who }) => who === 'the app')?.octokit ?? null;
  return readAs(askers, async (octokit) => {
    const listed = await listRulesets(octokit, place);
    if (listed === null) return null;
    const rulesets: RulesetFact[] = [];
    for (const { id } of listed) {
      const one = await readRuleset(octokit, { ...place, id });
      const own = asApp === null || asApp === octokit ? one : await readRuleset(asApp, { ...place, id });
      rulesets.push({
        name: one.name,
        active: one.enforcement === 'active',
        covers: refs.filter((ref) => covers(one, { ref, defaultBranch })),
        rules: one.rules,
        bypass: one.bypass,
        appBypasses:
          asApp === null || own.mayBypass === null
            ? null
            : own.mayBypass === 'always' || own.mayBypass === 'exempt',
      });
    }
    const branch = await orNull(
      octokit.request('GET /repos/{owner}/{repo}/branches/{branch}', { ...place, branch: defaultBranch }),
    );
    const classic = branch?.data.protection?.required_status_checks;
    const checks = (classic as { checks?: { context: string; app_id: number | null }[] } | undefined)?.checks;
    return {
      rulesets,
      classic: (checks ?? []).map(({ context, app_id }) => ({ context, app: app_id === -1 ? null : app_id })),
      defaultBranch,
      appId,
    };
  });
}

async function listRulesets(octokit: Octokit, place: Place): Promise<{ id: number }[] | null> {
  try {
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/rulesets', { ...place, per_page: 100 });
    return data;
  } catch (error) {
    if (statusOf(error) === 403 && /upgrade/i.test(String(error))) return null;
    throw error;
  }
}

type ReadRuleset = {
  name: string;
  target: string;
  enforcement: string;
  include: string[];
  exclude: string[];
  rules: { type: string; parameters?: Record<string, unknown> }[];
  bypass: { type: string; id: number | null; mode: string }[] | null;
  /** Whether the one who asks may bypass it. */
  mayBypass: string | null;
};

async function readRuleset(octokit: Octokit, { id, ...place }: Place & { id: number }): Promise<ReadRuleset> {
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/rulesets/{ruleset_id}', {
    ...place,
    ruleset_id: id,
  });
  const conditions = data.conditions as
    | { ref_name?: { include?: string[]; exclude?: string[] } }
    | null
    | undefined;
  const { include = [], exclude = [] } = conditions?.ref_name ?? {};
  return {
    ...{ name: data.name, target: data.target ?? 'branch', enforcement: data.enforcement, include, exclude },
    rules: (data.rules ?? []) as ReadRuleset['rules'],
    bypass:
      data.bypass_actors?.map(({ actor_type, actor_id, bypass_mode }) => ({
        ...{ type: actor_type, id: actor_id ?? null, mode: bypass_mode ?? 'always' },
      })) ?? null,
    mayBypass: data.current_user_can_bypass ?? null,
  };
}

function covers(
  { target, include, exclude }: ReadRuleset,
  { ref, defaultBranch }: { ref: string; defaultBranch: string },
): boolean {
  if (!ref.startsWith(target === 'tag' ? 'refs/tags/' : 'refs/heads/')) return false;
  if (target !== 'tag' && target !== 'branch') return false;
  const fits = (pattern: string) =>
    pattern === '~ALL' ||
    (pattern === '~DEFAULT_BRANCH' && ref === `refs/heads/${defaultBranch}`) ||
    matchesGlob(ref, pattern);
  return include.some(fits) && !exclude.some(fits);
}
