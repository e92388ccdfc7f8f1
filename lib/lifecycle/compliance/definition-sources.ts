import type { Evidence, Place } from '../checklist/facts.ts';
import type { Policy, Risk } from '../policy.ts';
import { ACTIONS, type Action, requirementOf } from '../policy-rules.ts';
import type { Problem } from '../problem.ts';
import { committed, day, figure, fileOf } from './evidence-of.ts';
import type { ComplianceFacts, Source } from './facts.ts';

/** What the problem and the policy can show. Every text states what was found, and no more. */

export const PURPOSE: Source = {
  what: 'intended purpose (objective and decision in problem.yml)',
  find: ({ model, problem }) =>
    problem === null || model === null
      ? []
      : [
          fileOf(model, 'problem.yml', `objective: ${problem.value.objective}`, problem.digest),
          fileOf(model, 'problem.yml', `decision that it drives: ${problem.value.decision}`, problem.digest),
        ],
};

export const DESIGN: Source = {
  what: 'task, target and what it optimises for (problem.yml)',
  find: ({ model, problem }) =>
    problem === null || model === null
      ? []
      : [
          fileOf(
            model,
            'problem.yml',
            `${problem.value.task.kind} of ${problem.value.target}, judged by ${problem.value.success.map(successText).join(', ')}`,
            problem.digest,
          ),
        ],
};

export const STAKEHOLDERS: Source = {
  what: 'stakeholders (problem.yml)',
  find: ({ model, problem }) =>
    problem === null || model === null
      ? []
      : problem.value.stakeholders.map(({ login, role }) =>
          fileOf(model, 'problem.yml', `${login} as ${role}`, problem.digest),
        ),
};

export const PROBLEM_APPROVALS: Source = {
  what: 'approvals of the problem definition',
  find: ({ newest }) =>
    (newest?.approvals.problem ?? []).map(({ login, roles, at, url, digest }) => ({
      text: `${login}${roles.length > 0 ? ` as ${roles.join(', ')}` : ''} approved the problem on ${day(at)}`,
      ...{ at: { kind: 'url', url } as Place, digest },
    })),
};

export const RISK: Source = {
  what: 'risk tier (problem.yml)',
  find: ({ model, problem }) =>
    problem === null || model === null
      ? []
      : [fileOf(model, 'problem.yml', `risk tier ${problem.value.risk}`, problem.digest)],
};

export const GATES: Source = {
  what: 'gates that a candidate must pass (problem.yml)',
  find: ({ model, problem }) =>
    problem === null || model === null
      ? []
      : problem.value.gates.map(({ name, on, on_inconclusive }) =>
          fileOf(
            model,
            'problem.yml',
            `${name}, on the ${on} holdout; inconclusive: ${on_inconclusive}`,
            problem.digest,
          ),
        ),
};

export const COST_OF_ERRORS: Source = {
  what: 'cost of errors (`value:` in problem.yml)',
  find: ({ model, problem }) => {
    const value = problem?.value.value;
    if (!problem || !value || model === null) return [];
    const text =
      value.kind === 'numbers'
        ? `${value.under} ${value.unit} per ${value.per} too few, ${value.over} too many`
        : `costs by class in ${value.unit}`;
    return [fileOf(model, 'problem.yml', text, problem.digest)];
  },
};

/** What somebody said when the problem was stated; what nobody said is not missed. */
export const CONSTRAINTS: Source = {
  what: null,
  find: ({ model, problem }) => {
    if (problem === null || model === null) return [];
    const { privacy, explainability, latency_p95_ms, size_mb } = problem.value.constraints;
    const said = [
      privacy === '' ? '' : `privacy: ${privacy}`,
      explainability === 'none' ? '' : `explanations: ${explainability.replace('_', ' ')}`,
      latency_p95_ms === null ? '' : `latency: 95 % of answers within ${latency_p95_ms} ms`,
      size_mb === null ? '' : `size: at most ${size_mb} MB`,
    ];
    return said
      .filter((text) => text !== '')
      .map((text) => fileOf(model, 'problem.yml', `constraint on ${text}`, problem.digest));
  },
};

export const DATA_ASKED: Source = {
  what: 'description of the data (`data:` in problem.yml)',
  find: ({ model, problem }) =>
    problem === null || model === null || problem.value.data.description === ''
      ? []
      : [fileOf(model, 'problem.yml', problem.value.data.description, problem.digest)],
};

export const TODAY: Source = {
  what: null,
  find: ({ model, problem }) =>
    problem === null || model === null || problem.value.baseline.how === ''
      ? []
      : [fileOf(model, 'problem.yml', `done today: ${problem.value.baseline.how}`, problem.digest)],
};

export const POLICY: Source = {
  what: 'rules of approval (.github/roundhouse.yml)',
  find: ({ policy, problem, files }) =>
    policy === null ? [] : ACTIONS.map((action) => ruleEvidence(files, policy, action, problem?.value.risk)),
};

export const ROLES: Source = {
  what: 'people and teams by role (.github/roundhouse.yml)',
  find: ({ policy, files }) =>
    Object.entries(policy?.roles ?? {}).map(([role, { people, teams }]) =>
      policyEvidence(
        files,
        `${role}: ${[...people, ...teams.map((team) => `team ${team}`)].join(', ') || 'nobody'}`,
      ),
    ),
};

const POLICY_PATH = '.github/roundhouse.yml';

function successText({ metric, direction, threshold, slice }: Problem['success'][number]): string {
  const where = slice === null ? '' : ` where ${slice.column} is ${slice.value}`;
  return `${metric}${where} (${direction}, ${figure(threshold)})`;
}

/** The rule that counts for the model's risk tier, with the place of the policy that says so. */
function ruleEvidence(
  files: ComplianceFacts['files'],
  policy: Policy,
  action: Action,
  risk: Risk | undefined,
): Evidence {
  const needed = requirementOf(policy, action, { risk });
  if (needed.kind === 'permission')
    return policyEvidence(files, `${action}: ${needed.permission} permission`);
  const { required, roles } = needed.rule;
  return policyEvidence(files, `${action}: ${required} of ${roles.join(', ')} (${needed.from})`);
}

function policyEvidence(files: ComplianceFacts['files'], text: string): Evidence {
  return committed(POLICY_PATH, text, files.find(({ path }) => path === POLICY_PATH)?.digest ?? null);
}
