import { UserError } from '../../lifecycle/user-error.ts';
import type { SqlColumn } from '../table-io.ts';
import { askTexts } from './ask.ts';
import { oneColumn } from './time-column.ts';
import { dayAndClock, isYear, partsOfTime } from './time-columns.ts';
import { firstTexts, formatsThatRead } from './time-format.ts';
import type { TimeQuestion, TimeRule } from './time-rule.ts';

const SOME_ROWS = 2_000;

/** Finds out how the columns make a time. Throws a UserError that names the row and the value that are no time. */
export async function planTime(question: TimeQuestion): Promise<TimeRule | null> {
  const { time } = question;
  if (time.length === 0) return null;
  const found = time.map((name) => columnNamed(question, name));
  const [first, second] = found;
  if (first === undefined) return null;
  if (second === undefined) return oneColumn(question, first);
  if (await isYear(question, first)) return partsOfTime(question, found);
  if (found.length > 2) {
    throw new UserError(`--time ${time.join(',')}: "${first.name}" is no year`, {
      fix: 'give year,month,day,hour in this order, or a day and an hour, or one column',
    });
  }
  return dayAndClock(question, first, second);
}

function columnNamed({ columns, label }: TimeQuestion, name: string): SqlColumn {
  const found = columns.find((column) => column.name === name);
  if (found) return found;
  throw new UserError(`${label}: there is no column "${name}" for the time`, {
    fix: `it has: ${columns.map((column) => column.name).join(', ')}`,
  });
}

/** Columns that look like a time, for "did you mean"; the ones a person would name first. */
export async function timesSuggested(question: Omit<TimeQuestion, 'time' | 'format'>): Promise<string[]> {
  const { session, columns } = question;
  const names = columns.map(({ name }) => name);
  const parts = ['year', 'month', 'day', 'hour'].map((part) =>
    names.find((name) => name.toLowerCase() === part),
  );
  const found: string[] = columns.filter(({ kind }) => kind === 'time').map(({ name }) => name);
  for (const column of columns) {
    if (column.kind !== 'text' || !/date|time|day|stamp|when|month/i.test(column.name)) continue;
    const texts = await askTexts(
      session,
      firstTexts({ ...question, time: [], format: null }, column, SOME_ROWS),
    );
    if (texts.length === 0) continue;
    const formats = await formatsThatRead({ ...question, time: [], format: null }, column);
    if (formats.length > 0) found.push(column.name);
  }
  if (parts[0] !== undefined && parts[1] !== undefined) {
    const end = parts.indexOf(undefined);
    found.push(parts.slice(0, end === -1 ? parts.length : end).join(','));
  }
  return found;
}
