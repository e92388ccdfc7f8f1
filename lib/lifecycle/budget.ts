import { z } from 'zod';
import type { Policy } from './policy.ts';
import { instantSchema, modelNameSchema } from './scalars.ts';

const budgetRunSchema = z.strictObject({
  /** Of the request for the run: the same key is never counted twice. */
  key: z.string(),
  model: modelNameSchema,
  pull_request: z.int(),
  at: instantSchema,
  /** How long its jobs held runners, once it has ended; null until somebody has asked GitHub. */
  minutes: z.number().min(0).nullable(),
});

/** `budgets/<day>.json`: training runs that were let through on a day (UTC), in that order. */
export const budgetDaySchema = z.strictObject({
  kind: z.literal('roundhouse-budget-day'),
  day: z.iso.date(),
  runs: z.array(budgetRunSchema),
});
export type BudgetDay = z.infer<typeof budgetDaySchema>;
export type BudgetRun = z.infer<typeof budgetRunSchema>;

export type Budgets = NonNullable<Policy['budgets']>;
type Limits = NonNullable<Budgets['repository']>;

/** A limit that leaves no room for another run. */
export type Shortage = {
  scope: 'repository' | 'model';
  limit: keyof Limits;
  used: number;
  allowed: number;
};

/**
 * The limits that a day has come to, for one more run of a model; none means that it may start. A run's length is
 * not known before, so one that starts below a limit of minutes may pass it: the next one waits.
 */
export function shortagesOf(
  budgets: Budgets,
  { model, runs }: { model: string; runs: readonly Pick<BudgetRun, 'model' | 'minutes'>[] },
): Shortage[] {
  const mine = runs.filter((run) => run.model === model);
  return [...reached('repository', budgets.repository, runs), ...reached('model', budgets.each_model, mine)];
}

function reached(
  scope: Shortage['scope'],
  limits: Limits | undefined,
  runs: readonly Pick<BudgetRun, 'minutes'>[],
): Shortage[] {
  const used = {
    runs_per_day: runs.length,
    gpu_minutes_per_day: runs.reduce((sum, { minutes }) => sum + (minutes ?? 0), 0),
  };
  return (['runs_per_day', 'gpu_minutes_per_day'] as const).flatMap((limit) => {
    const allowed = limits?.[limit];
    if (allowed === undefined || used[limit] < allowed) return [];
    return [{ scope, limit, used: used[limit], allowed }];
  });
}

/** Such as "2 of 2 training runs of bikes today". Minutes are rounded down: a limit is said only once it is reached. */
export function shortageText({ scope, limit, used, allowed }: Shortage, model: string): string {
  const what = limit === 'runs_per_day' ? 'training runs' : 'GPU minutes';
  return `${Math.floor(used)} of ${allowed} ${what} of ${scope === 'model' ? model : 'the repository'} today`;
}

/** The day (UTC) whose budget an instant belongs to, and when the next one begins. */
export function budgetDayOf(now: Date): { day: string; next: Date } {
  const day = now.toISOString().slice(0, 10);
  return { day, next: new Date(Date.parse(day) + 24 * 3_600_000) };
}

/** Whether any limit is one of minutes: only then is it worth asking how long runs took. */
export function countsMinutes(budgets: Budgets): boolean {
  return [budgets.repository, budgets.each_model].some((limits) => limits?.gpu_minutes_per_day !== undefined);
}
