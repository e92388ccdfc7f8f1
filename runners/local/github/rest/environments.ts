import { z } from 'zod';
import { actorLogin } from '../auth.ts';
import { type Answer, type Endpoint, noContent, ok, parseBody, type RepoCall, repo } from '../endpoint.ts';
import { ensureEnvironment, findEnvironment, mayReview, planAllowsRules } from '../environments.ts';
import { timestamp } from '../hub.ts';
import { notFound, Refusal, unprocessable } from '../refusal.ts';
import type { DeploymentReview, Environment } from '../rows/deployment.ts';
import { htmlUrl, nodeId, repoUrl, userShape } from '../shapes/account.ts';
import { deploymentShape } from '../shapes/release.ts';
import { answerTurn, heldTurns } from '../turns.ts';
import { getRun } from './actions.ts';

/** GitHub docs, rest/deployments/environments and rest/actions/workflow-runs (pending deployments). */
export const environments: Endpoint[] = [
  repo('GET /environments', 'actions=read', listEnvironments),
  repo('GET /environments/:name', 'actions=read', (call) => ok(environmentShape(call, getEnvironment(call)))),
  repo('PUT /environments/:name', 'administration=write | admin', putEnvironment),
  repo('DELETE /environments/:name', 'administration=write | admin', removeEnvironment),
  repo(
    'POST /environments/:name/deployment-branch-policies',
    'administration=write | admin',
    addBranchPolicy,
  ),
  repo('GET /actions/runs/:id/pending_deployments', 'actions=read', listPending),
  repo('POST /actions/runs/:id/pending_deployments', 'deployments=write | read', review),
  repo('GET /actions/runs/:id/approvals', 'actions=read', listReviews),
];

function listEnvironments(call: RepoCall): Answer {
  const { hub } = call;
  // A deployment by the API names an environment into being, too.
  for (const { environment } of hub.db.filter('deployments', (one) => one.repository_id === call.repo.id))
    ensureEnvironment(hub, call.repo, environment);
  const rows = hub.db.filter('environments', (one) => one.repository_id === call.repo.id);
  return ok({ total_count: rows.length, environments: rows.map((one) => environmentShape(call, one)) });
}

function getEnvironment(call: RepoCall): Environment {
  const found = findEnvironment(call.hub, call.repo, call.params.name ?? '');
  if (!found) throw notFound();
  return found;
}

function environmentShape({ hub, repo }: RepoCall, one: Environment) {
  const rule = (type: string, at: number) => ({
    id: one.id * 10 + at,
    node_id: nodeId('GateRule', one.id * 10 + at),
    type,
  });
  return {
    ...briefShape({ hub, repo }, one),
    created_at: one.created_at,
    updated_at: one.updated_at,
    protection_rules: [
      ...(one.wait_timer > 0 ? [{ ...rule('wait_timer', 1), wait_timer: one.wait_timer }] : []),
      ...(one.reviewers.length > 0
        ? [
            {
              ...rule('required_reviewers', 2),
              prevent_self_review: one.prevent_self_review,
              reviewers: one.reviewers.map((login) => ({ type: 'User', reviewer: userShape(hub, login) })),
            },
          ]
        : []),
      ...(one.branches === null ? [] : [rule('branch_policy', 3)]),
    ],
    deployment_branch_policy:
      one.branches === null
        ? null
        : {
            protected_branches: one.branches === 'protected',
            custom_branch_policies: one.branches !== 'protected',
          },
  };
}

function briefShape({ hub, repo }: Pick<RepoCall, 'hub' | 'repo'>, one: Environment) {
  return {
    id: one.id,
    node_id: nodeId('Environment', one.id),
    name: one.name,
    url: repoUrl(hub, repo, `/environments/${encodeURIComponent(one.name)}`),
    html_url: htmlUrl(
      hub,
      repo,
      `/deployments/activity_log?environments_filter=${encodeURIComponent(one.name)}`,
    ),
  };
}

const ENVIRONMENT = z.object({
  wait_timer: z.number().int().min(0).max(43_200).default(0),
  prevent_self_review: z.boolean().default(false),
  reviewers: z
    .array(z.object({ type: z.enum(['User', 'Team']), id: z.number().int() }))
    .max(6)
    .nullable()
    .default([]),
  deployment_branch_policy: z
    .object({ protected_branches: z.boolean(), custom_branch_policies: z.boolean() })
    .nullable()
    .default(null),
});

function putEnvironment(call: RepoCall): Answer {
  const { hub } = call;
  const input = parseBody(call, ENVIRONMENT);
  const policy = input.deployment_branch_policy;
  if (policy && policy.protected_branches === policy.custom_branch_policies)
    throw unprocessable('protected_branches and custom_branch_policies cannot have the same value.');
  const wanted = input.reviewers ?? [];
  if (!planAllowsRules(call.repo)) {
    const refused =
      wanted.length > 0 ? 'required reviewers' : input.wait_timer > 0 ? 'wait timer' : undefined;
    if (refused)
      throw unprocessable(
        `Failed to create the environment protection rule. Please ensure the billing plan supports the ${refused} protection rule.`,
      );
  }
  const environment = ensureEnvironment(hub, call.repo, call.params.name ?? '');
  const own =
    environment.branches === 'protected' || environment.branches === null ? [] : environment.branches;
  hub.db.put(
    'environments',
    environment.id,
    Object.assign(environment, {
      ...{ wait_timer: input.wait_timer, prevent_self_review: input.prevent_self_review },
      reviewers: wanted.map((one) => reviewerLogin(call, one)),
      branches: policy ? (policy.protected_branches ? 'protected' : own) : null,
      updated_at: timestamp(),
    }),
  );
  return ok(environmentShape(call, environment));
}

function reviewerLogin({ hub }: RepoCall, { type, id }: { type: string; id: number }): string {
  if (type === 'Team') throw unprocessable('The local GitHub takes people as reviewers, not teams.');
  const account = hub.db.get('accounts', id);
  if (!account) throw unprocessable(`Could not resolve to a user with the id ${id}.`);
  return account.login;
}

function removeEnvironment(call: RepoCall): Answer {
  call.hub.db.remove('environments', getEnvironment(call).id);
  return noContent();
}

function addBranchPolicy(call: RepoCall): Answer {
  const environment = getEnvironment(call);
  const { name } = parseBody(call, z.object({ name: z.string().min(1) }));
  if (environment.branches === null || environment.branches === 'protected') throw notFound();
  if (!environment.branches.includes(name)) environment.branches.push(name);
  call.hub.db.put('environments', environment.id, environment);
  const id = environment.id * 1000 + environment.branches.indexOf(name);
  return ok({ id, node_id: nodeId('GateBranchPolicy', id), name, type: 'branch' });
}

function listPending(call: RepoCall): Answer {
  const { hub, actor } = call;
  const run = getRun(call);
  const login = actor.kind === 'user' ? actor.login : '';
  return ok(
    heldTurns(hub, run).map(({ turn, environment }) => ({
      environment: briefShape(call, environment),
      wait_timer: environment.wait_timer,
      wait_timer_started_at: environment.wait_timer > 0 ? turn.since : null,
      current_user_can_approve: mayReview(hub, environment, run, login),
      reviewers: environment.reviewers.map((one) => ({ type: 'User', reviewer: userShape(hub, one) })),
    })),
  );
}

const REVIEW = z.object({
  environment_ids: z.array(z.number().int()).min(1),
  state: z.enum(['approved', 'rejected']),
  comment: z.string(),
});

function review(call: RepoCall): Answer {
  const { hub } = call;
  const run = getRun(call);
  const { environment_ids, state, comment } = parseBody(call, REVIEW);
  const login = actorLogin(call.actor);
  const held = heldTurns(hub, run).filter(({ environment }) => environment_ids.includes(environment.id));
  if (held.length === 0) throw unprocessable('No pending deployment requests to approve or reject');
  for (const { environment } of held)
    if (!mayReview(hub, environment, run, login))
      throw new Refusal(403, `You are not allowed to review deployments to ${environment.name}.`);
  for (const { turn } of held) answerTurn(hub, turn, state);
  const id = hub.db.nextId();
  hub.db.put('deployment_reviews', id, { id, run_id: run.id, environment_ids, state, user: login, comment });
  const made = held.flatMap(({ turn }) => hub.db.get('deployments', turn.deployment_id ?? 0) ?? []);
  return ok(made.map((one) => deploymentShape(hub, call.repo, one)));
}

function listReviews(call: RepoCall): Answer {
  const { hub } = call;
  const run = getRun(call);
  const shape = ({ environment_ids, state, user, comment }: DeploymentReview) => ({
    environments: environment_ids.flatMap((id) => {
      const found = hub.db.get('environments', id);
      return found
        ? [{ ...briefShape(call, found), created_at: found.created_at, updated_at: found.updated_at }]
        : [];
    }),
    ...{ state, user: userShape(hub, user), comment },
  });
  return ok(hub.db.filter('deployment_reviews', (one) => one.run_id === run.id).map(shape));
}
