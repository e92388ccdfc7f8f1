import type { Octokit } from 'octokit';
import { ensureSecrets } from '../../../../runners/local/github/secrets.ts';
import { octokitFor, R, type World } from '../harness.ts';

/** A person with the role admin: rulesets and settings are made by nobody else. */
export async function adminOf(world: World): Promise<Octokit> {
  const people = [{ login: 'maintainer', role: 'admin' }];
  const { app } = world.secrets;
  await world.control.call('POST', '/seed', {
    ...{ owner: R.owner, repository: R.repo, people },
    app: { slug: app.slug, webhookUrl: world.hook.url },
  });
  const { tokens } = await ensureSecrets(world.dir);
  return octokitFor(world.github.url, tokens.maintainer ?? '');
}

type RulesetRequest = {
  name: string;
  target?: 'branch' | 'tag';
  include?: string[];
  rules: { type: string; parameters?: Record<string, unknown> }[];
  bypass_actors?: { actor_id: number; actor_type: string; bypass_mode?: string }[];
};

/** A ruleset by the public API; answers how to take it back. */
export async function ruleset(admin: Octokit, request: RulesetRequest): Promise<() => Promise<unknown>> {
  const { include = ['~DEFAULT_BRANCH'], ...rest } = request;
  const { data } = await admin.request('POST /repos/{owner}/{repo}/rulesets', {
    ...{ ...R, enforcement: 'active', target: 'branch', conditions: { ref_name: { include, exclude: [] } } },
    ...(rest as object),
    name: request.name,
  });
  return () =>
    admin.request('DELETE /repos/{owner}/{repo}/rulesets/{ruleset_id}', { ...R, ruleset_id: data.id });
}
