import { styleText } from 'node:util';
import type { Budgets } from '#lib/lifecycle/budget.ts';
import type { Explanation } from '#lib/lifecycle/policy-explain.ts';

type Live = { live: boolean };

/** One action, for people. */
export function toldAction(found: Explanation, { live }: Live): string {
  const { action, about, environment, risk, excludes, expires, permission, from, roles } = found;
  const where = [
    ...(environment === null ? [] : [`in ${environment}`]),
    ...(risk === null ? [] : [`for risk ${risk}`]),
  ];
  const lines = [
    `${live ? styleText('bold', action) : action} ${where.join(' ')}`.trim(),
    `  ${about}`,
    `  needs    ${needs(found)}`,
    ...roles.map((one) => `           ${one.role}: ${holders(one)}`),
    `  says so  ${from ?? 'nothing: it is what holds where the policy is silent'}`,
    ...excludes.map((text, index) => `  ${index === 0 ? 'but     ' : '        '} ${text}`),
    `  each     has ${permission} permission${expires === null ? '' : `, and counts for ${expires}`}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** All of them, a line each. */
export function toldActions(all: readonly Explanation[], { live }: Live): string {
  const width = Math.max(...all.map(({ action }) => action.length));
  const lines = all.map((found) => {
    const name = found.action.padEnd(width);
    return `${live ? styleText('bold', name) : name}  ${needs(found)}\n${' '.repeat(width + 2)}${found.about}`;
  });
  return `${lines.join('\n')}\n`;
}

/** What training may use on a day; nothing where the policy has no budgets. */
export function toldBudgets(budgets: Budgets | undefined, { live }: Live): string {
  if (budgets === undefined) return '';
  const scopes = [
    ['the repository', budgets.repository],
    ['each model', budgets.each_model],
  ] as const;
  const lines = scopes.flatMap(([scope, limits]) => {
    const said = [
      ...(limits?.runs_per_day === undefined ? [] : [`${limits.runs_per_day} training runs`]),
      ...(limits?.gpu_minutes_per_day === undefined ? [] : [`${limits.gpu_minutes_per_day} GPU minutes`]),
    ];
    return said.length === 0 ? [] : [`  ${scope}: ${said.join(', ')}`];
  });
  return `\n${live ? styleText('bold', 'budgets') : 'budgets'}  on a day (UTC)\n${lines.join('\n')}\n`;
}

function needs({ required, roles, permission }: Explanation): string {
  if (roles.length === 0) return `anybody with ${permission} permission`;
  return `${required} by ${roles.map(({ role }) => role).join(' or ')}`;
}

function holders({ people, teams }: Explanation['roles'][number]): string {
  return [...people, ...teams.map((team) => `team ${team}`)].join(', ') || 'nobody yet';
}
