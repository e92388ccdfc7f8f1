import { styleText } from 'node:util';
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

function needs({ required, roles, permission }: Explanation): string {
  if (roles.length === 0) return `anybody with ${permission} permission`;
  return `${required} by ${roles.map(({ role }) => role).join(' or ')}`;
}

function holders({ people, teams }: Explanation['roles'][number]): string {
  return [...people, ...teams.map((team) => `team ${team}`)].join(', ') || 'nobody yet';
}
