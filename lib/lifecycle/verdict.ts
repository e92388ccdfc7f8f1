import { z } from 'zod';

/** What a check says. No verdict is surer than the data allow: what cannot be told is `inconclusive`. */
export const VERDICTS = ['passed', 'inconclusive', 'failed'] as const;
export type Verdict = (typeof VERDICTS)[number];
export const verdictSchema = z.enum(VERDICTS);

/** Why a check said so: which rule, what it asked, what was found, where. */
export const reasonSchema = z.strictObject({
  rule: z.string(),
  verdict: verdictSchema,
  expected: z.string(),
  actual: z.string(),
  where: z.string(),
});
export type Reason = z.infer<typeof reasonSchema>;

/** The worst verdict wins. Nothing checked is nothing known, so an empty list is inconclusive. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.length === 0) return 'inconclusive';
  const worst = Math.max(...verdicts.map((verdict) => VERDICTS.indexOf(verdict)));
  return VERDICTS[worst] ?? 'failed';
}
