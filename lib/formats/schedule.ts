import { CronExpressionParser } from 'cron-parser';

const LOOKED_AT = 32;

/**
 * The longest time between two occurrences of a workflow's `schedule:` after an instant, in ms. Several cron lines
 * are taken one by one, and the most frequent one counts. Null where the file has no line that can be read.
 */
export function longestPause(workflow: string, after: Date): number | null {
  const lines = [...workflow.matchAll(/^\s*-\s*cron:\s*["']?([^"'#\n]+?)["']?\s*$/gm)];
  const pauses = lines.flatMap(([, line = '']) => pauseOf(line.trim(), after) ?? []);
  return pauses.length === 0 ? null : Math.min(...pauses);
}

function pauseOf(line: string, after: Date): number | null {
  try {
    const times = CronExpressionParser.parse(line, { currentDate: after, tz: 'UTC' });
    const found = Array.from({ length: LOOKED_AT }, () => times.next().getTime());
    return Math.max(...found.slice(1).map((time, at) => time - (found[at] ?? time)));
  } catch {
    return null;
  }
}
