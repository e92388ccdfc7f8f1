import type { Log } from './project.ts';

/** One JSON object per line on stderr. Payloads and tokens are never logged. */
export function createLog(write: (line: string) => void = (line) => process.stderr.write(line)): Log {
  const at = (level: string) => (fields: object, text: string) =>
    write(`${JSON.stringify({ time: new Date().toISOString(), level, ...flat(fields), text })}\n`);
  return { info: at('info'), warn: at('warn'), error: at('error') };
}

function flat(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? reason(value) : value]),
  );
}

/** An error's own words, its causes' and its members': Probot wraps what handlers throw. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors : error.cause ? [error.cause] : [];
  return [error.message, ...inner.map(reason)].filter((text) => text !== '').join(': ');
}
