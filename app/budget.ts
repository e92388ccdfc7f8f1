import {
  type BudgetDay,
  type Budgets,
  budgetDayOf,
  budgetDaySchema,
  countsMinutes,
  shortagesOf,
  shortageText,
} from '#lib/lifecycle/budget.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import type { Project } from './project.ts';
import { readRequest } from './request.ts';

type Wanted = { key: string; model: string; pull_request: number; budgets: Budgets };
export type Room = { kind: 'room' } | { kind: 'spent'; reasons: string[]; until: string };

/**
 * Takes a place in the day's budget for a training run, once for each key; or says what is used up. The day's
 * record is compared and swapped: of two pull requests that want the last place, one gets it.
 */
export async function takeRoom(project: Project, wanted: Wanted): Promise<Room> {
  const { key, model, pull_request, budgets } = wanted;
  const { day, next } = budgetDayOf(project.now());
  const path = recordPath.budget(day);
  for (;;) {
    const known = await readRecord(project.state, path, budgetDaySchema);
    const before: BudgetDay = known ?? { kind: 'roundhouse-budget-day', day, runs: [] };
    if (before.runs.some((run) => run.key === key)) return { kind: 'room' };
    const { ledger, used } = countsMinutes(budgets) ? await measured(project, before) : plain(before);
    const shortages = shortagesOf(budgets, { model, runs: used });
    const isFree = shortages.length === 0;
    const reasons = shortages.map((shortage) => shortageText(shortage, model));
    const at = project.now().toISOString();
    const added = isFree ? [{ key, model, pull_request, at, minutes: null }] : [];
    const text = recordText({ ...ledger, runs: [...ledger.runs, ...added] });
    const room: Room = isFree ? { kind: 'room' } : { kind: 'spent', reasons, until: next.toISOString() };
    if (known !== null && text === recordText(known)) return room;
    const outcome = await project.state.write({
      changes: [{ path, text }],
      ...(known === null ? { fresh: [path] } : { expected: [{ path, text: recordText(known) }] }),
      audit: {
        event: isFree ? 'budget taken' : 'budget used up',
        actor: project.bot,
        subject: key,
        model,
        note: reasons.join('; '),
      },
    });
    if (outcome.kind === 'written') return room;
  }
}

type Measured = { ledger: BudgetDay; used: { model: string; minutes: number | null }[] };

function plain(ledger: BudgetDay): Measured {
  return { ledger, used: ledger.runs };
}

/** How long the jobs of each run held runners; of one that has ended it is kept, and never asked for again. */
async function measured(project: Project, before: BudgetDay): Promise<Measured> {
  const ledger: BudgetDay = { ...before, runs: [] };
  const used: Measured['used'] = [];
  for (const run of before.runs) {
    const { minutes, isFinal } = await minutesOf(project, run);
    ledger.runs.push(isFinal ? { ...run, minutes } : run);
    used.push({ model: run.model, minutes });
  }
  return { ledger, used };
}

async function minutesOf(
  project: Project,
  { key, minutes }: Pick<BudgetDay['runs'][number], 'key' | 'minutes'>,
): Promise<{ minutes: number; isFinal: boolean }> {
  if (minutes !== null) return { minutes, isFinal: true };
  const request = await readRequest(project, key);
  if (request === null || request.run === null) return { minutes: 0, isFinal: false };
  const run = await project.forge.runs.get(request.run);
  // One whose runner was lost, or which was re-run by hand, may still go on: its request says when it is over.
  const isFinal = run === null || (run.status === 'completed' && request.settled !== null);
  return { minutes: await project.forge.runs.runnerMinutes(request.run, project.now()), isFinal };
}
