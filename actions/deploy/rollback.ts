import { type Context, type Outcome, reasonOf, withdraw } from './outcome.ts';

/** All traffic to the previous version, because somebody asked for it. */
export async function rollback(context: Context): Promise<Outcome> {
  const { record, target } = context;
  const { previous, phase, step } = record;
  const check = { rule: 'rollback', expected: 'the previous version answers all requests' };
  if (previous === null) {
    const actual = 'there is no previous version: nothing was changed';
    const reasons = [reasonOf(record, { ...check, verdict: 'failed', actual })];
    return { phase, step, reasons, state: await target.state() };
  }
  const actual = `asked for: v${previous.version} answers all requests`;
  return withdraw(context, [reasonOf(record, { ...check, verdict: 'passed', actual })]);
}
