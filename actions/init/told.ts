import { styleText } from 'node:util';
import type { InitPlan } from './main.ts';

type Colour = Parameters<typeof styleText>[0];
type Line = { mark: string; colour: Colour; name: string; text: string };

const WIDEST_NAME = 28;
const MOST_LEFT_OUT = 20;

/** What `init` did, for people: what is suspicious first, then what was left out, then the files. */
export function told(plan: InitPlan, { dryRun, live }: { dryRun: boolean; live: boolean }): string {
  const paint = (colour: Colour, text: string) => (live ? styleText(colour, text) : text);
  const { write, keep, object, notes } = plan;
  const lines = columnsTold(plan);
  const width = Math.min(WIDEST_NAME, Math.max(0, ...lines.map(({ name }) => name.length)));
  return [
    ...headline(plan),
    ...lines.map(({ mark, colour, name, text }) => `  ${paint(colour, mark)} ${name.padEnd(width)}  ${text}`),
    ...(lines.length > 0 ? [''] : []),
    ...write.map(({ path }) => `${dryRun ? 'would write' : 'wrote'} ${path}`),
    ...keep.map((path) => `kept ${path}, which is there already`),
    ...(object ? [`${dryRun ? 'would put' : 'put'} ${object.file} into the store as ${object.digest}`] : []),
    ...notes.map((note) => `${paint('cyan', 'note:')} ${note}`),
    '',
  ].join('\n');
}

function headline({ task, target, rows, problem, columns = [] }: InitPlan): string[] {
  if (task === undefined || problem === undefined) return [];
  const inputs = columns.filter(({ role }) => role === 'input').length;
  const goal = `${problem.metric} ${problem.direction === 'minimize' ? 'at most' : 'at least'} ${problem.threshold}`;
  return [`${task} of "${target}" from ${inputs} columns and ${rows} rows: ${goal}`, ''];
}

function columnsTold({ leaks = [], suspicious = [], left_out: leftOut = [] }: InitPlan): Line[] {
  const leaking = new Set(leaks.flatMap(({ columns }) => columns));
  const plain = leftOut.filter(({ column }) => !leaking.has(column));
  const more = plain.length - MOST_LEFT_OUT;
  return [
    ...leaks.map(
      ({ columns, reason }): Line => ({
        mark: 'leak',
        colour: 'red',
        name: columns.join(', '),
        text: reason,
      }),
    ),
    ...suspicious.map(
      ({ columns, reason }): Line => ({
        mark: 'look',
        colour: 'yellow',
        name: columns.join(', '),
        text: reason,
      }),
    ),
    ...plain
      .slice(0, MOST_LEFT_OUT)
      .map(({ column, reason }): Line => ({ mark: 'out ', colour: 'dim', name: column, text: reason })),
    ...(more > 0
      ? [{ mark: 'out ', colour: 'dim' as const, name: `and ${more} more`, text: 'see data.yml' }]
      : []),
  ];
}
