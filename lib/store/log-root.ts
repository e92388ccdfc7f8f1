import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../lifecycle/user-error.ts';

/** Root folder of the prediction log from ROUNDHOUSE_LOGS_<NAME>: a path or a file:// URL; null = no log. */
export function logRoot(env: Record<string, string | undefined>, name = 'main'): string | null {
  const variable = `ROUNDHOUSE_LOGS_${name.toUpperCase()}`;
  const value = env[variable];
  if (!value) return null;
  if (value.startsWith('file://')) return fileURLToPath(value);
  if (isAbsolute(value)) return value;
  throw new UserError(`${variable} is "${value}", which is neither a file:// URL nor an absolute path`, {
    fix: 'set it to the root folder of the prediction log',
  });
}
