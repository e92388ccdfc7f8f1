import { UserError } from '#lib/lifecycle/user-error.ts';
import type { StageContext } from '../kit/context.ts';

/** Bearer token of the supervisor: an input of the step, or the process's variable. */
export function supervisorToken({ option, deps }: StageContext): string {
  const token = option('supervisor-token') || deps.env.ROUNDHOUSE_SUPERVISOR_TOKEN || '';
  if (token !== '') return token;
  throw new UserError('there is no token for the supervisor', {
    fix: 'set ROUNDHOUSE_SUPERVISOR_TOKEN (in a workflow: from a secret)',
  });
}
