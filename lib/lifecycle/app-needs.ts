export type Level = 'read' | 'write';

/** What the GitHub App asks for, and why: the one home of these tables. `workflows` and `administration` are never asked for. */
export const APP_PERMISSIONS: Record<string, { level: Level; why: string }> = {
  metadata: { level: 'read', why: 'collaborators, rulesets' },
  contents: { level: 'write', why: 'lock commits, tags, releases, the branch roundhouse' },
  pull_requests: { level: 'write', why: 'opens and edits pull requests, asks reviewers' },
  issues: { level: 'write', why: 'forms, comments, labels, milestones' },
  checks: { level: 'write', why: 'the checks roundhouse/*' },
  statuses: { level: 'write', why: 'a ruleset binds a check only to an app that has it' },
  actions: { level: 'write', why: 'dispatches and cancels runs, reads artifacts' },
  deployments: { level: 'write', why: 'deployments and their states' },
  merge_queues: { level: 'read', why: 'hears of merge groups' },
  members: { level: 'read', why: 'roles by team' },
};

/** Events that the app subscribes to. `installation` and `installation_repositories` are always sent. */
export const APP_EVENTS: readonly string[] = [
  ...['issues', 'issue_comment', 'label', 'milestone', 'sub_issues', 'pull_request', 'pull_request_review'],
  ...['push', 'create', 'delete', 'release', 'check_run', 'check_suite', 'workflow_run', 'workflow_job'],
  ...['deployment', 'deployment_status', 'merge_group', 'repository'],
];

export const GATE = 'roundhouse/gate';
/** Where the app writes alone. */
export const STATE_REF = 'refs/heads/roundhouse';
export const REGISTRY_PATTERNS: readonly string[] = ['refs/tags/*@v*', 'refs/tags/*#*'];

type Bypass = { actor_id: number; actor_type: 'Integration'; bypass_mode: 'always' };
export type WantedRuleset = {
  name: string;
  target: 'branch' | 'tag';
  enforcement: 'active';
  conditions: { ref_name: { include: string[]; exclude: string[] } };
  rules: { type: string; parameters?: Record<string, unknown> }[];
  bypass_actors: Bypass[];
};

/** The rulesets that keep registry, records and gate the app's alone, as GitHub's API takes them. */
export function wantedRulesets(appId: number): WantedRuleset[] {
  const only: Bypass = { actor_id: appId, actor_type: 'Integration', bypass_mode: 'always' };
  const closed = ['creation', 'update', 'deletion'].map((type) => ({ type }));
  const on = (...include: string[]) => ({ ref_name: { include, exclude: [] } });
  return [
    {
      ...{ name: 'Roundhouse: registry tags', target: 'tag', enforcement: 'active' },
      ...{ conditions: on(...REGISTRY_PATTERNS), rules: closed, bypass_actors: [only] },
    },
    {
      ...{ name: 'Roundhouse: records', target: 'branch', enforcement: 'active' },
      ...{ conditions: on(STATE_REF), rules: closed, bypass_actors: [only] },
    },
    {
      ...{ name: 'Roundhouse: gate', target: 'branch', enforcement: 'active' },
      conditions: on('~DEFAULT_BRANCH'),
      rules: [
        {
          type: 'required_status_checks',
          parameters: {
            strict_required_status_checks_policy: false,
            required_status_checks: [{ context: GATE, integration_id: appId }],
          },
        },
      ],
      bypass_actors: [],
    },
  ];
}
