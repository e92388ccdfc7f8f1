import type { Evidence, Place } from '../checklist/facts.ts';
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
            `${problem.value.task.kind} of ${problem.value.target}, judged by ${problem.value.success.map(({ metric, direction, threshold }) => `${metric} (${direction}, ${figure(threshold)})`).join(', ')}`,
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

export const POLICY: Source = {
  what: 'rules of approval (.github/roundhouse.yml)',
  find: ({ policy, files }) =>
    Object.entries(policy?.approvals ?? {}).flatMap(([action, rule]) =>
      rule && typeof rule === 'object' && 'required' in rule && 'roles' in rule
        ? [policyEvidence(files, `${action}: ${rule.required} of ${(rule.roles as string[]).join(', ')}`)]
        : [],
    ),
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

function policyEvidence(files: ComplianceFacts['files'], text: string): Evidence {
  return committed(POLICY_PATH, text, files.find(({ path }) => path === POLICY_PATH)?.digest ?? null);
}
