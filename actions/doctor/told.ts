import { styleText } from 'node:util';
import { type Check, type CheckStatus, worstFirst } from '#lib/lifecycle/doctor.ts';

const COLOUR = { fail: 'red', warn: 'yellow', skip: 'dim', ok: 'green' } as const;

/** A table for people: worst first, the fix under what needs one, and the sum. */
export function told(checks: readonly Check[], { live }: { live: boolean }): string {
  const paint = (status: CheckStatus, text: string) => (live ? styleText(COLOUR[status], text) : text);
  const width = Math.max(0, ...checks.map(({ check }) => check.length));
  const indent = ' '.repeat(6 + width + 2);
  const lines = worstFirst(checks).flatMap(({ check, status, found, fix }) => {
    const [first = '', ...rest] = found.split('\n');
    return [
      `${paint(status, status.padEnd(4))}  ${check.padEnd(width)}  ${first}`,
      ...rest.map((line) => `${indent}${line}`),
      ...(fix === null
        ? []
        : fix.split('\n').map((line, at) => `${indent}${at === 0 ? '-> ' : '   '}${line}`)),
    ];
  });
  const sums = Object.keys(COLOUR).map(
    (status) => `${checks.filter((one) => one.status === status).length} ${status}`,
  );
  return [...lines, '', sums.join(', '), ''].join('\n');
}
