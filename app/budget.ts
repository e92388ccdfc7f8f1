import {
  type BudgetDay,
  type BudgetRun,
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
    // Read first: what is written in between is seen by the swap.
    const known = await project.state.read(path);
    const ledger = (await readRecord(project.state, path, budgetDaySchema))?.runs ?? [];
    if (ledger.some((run) => run.key === key)) return { kind: 'room' };
    const runs = countsMinutes(budgets) ? await measured(project, ledger) : ledger.map(asKept);
    const used = runs.map(({ kept, minutes }) => ({ model: kept.model, minutes }));
    const reasons = shortagesOf(budgets, { model, runs: used }).map((one) => shortageText(one, model));
    const isFree = reasons.length === 0;
    const at = project.now().toISOString();
    const added = isFree ? [{ key, model, pull_request, at, minutes: null }] : [];
    const record: BudgetDay = {
      kind: 'roundhouse-budget-day',
      day,
      runs: [...runs.map(({ kept }) => kept), ...added],
    };
    const text = recordText(record);
    const room: Room = isFree ? { kind: 'room' } : { kind: 'spent', reasons, until: next.toISOString() };
    if (text === known) return room;
    const outcome = await project.state.write({
      changes: [{ path, text }],
      ...(known === null ? { fresh: [path] } : { expected: [{ path, text: known }] }),
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

/** A run as it stands in the record, and what counts of it now: one under way has no minutes there. */
type Counted = { kept: BudgetRun; minutes: number | null };

function asKept(run: BudgetRun): Counted {
  return { kept: run, minutes: run.minutes };
}

/** How long the jobs of each run held runners; of one that has ended it is kept, and never asked for again. */
async function measured(project: Project, ledger: readonly BudgetRun[]): Promise<Counted[]> {
  const found: Counted[] = [];
  for (const run of ledger) found.push(run.minutes === null ? await measure(project, run) : asKept(run));
  return found;
}

async function measure({ state, forge, now }: Project, run: BudgetRun): Promise<Counted> {
  const request = await readRequest({ state }, run.key);
  if (request === null || request.run === null) return { kept: run, minutes: 0 };
  const asked = await forge.runs.get(request.run);
  const minutes = await forge.runs.runnerMinutes(request.run, now());
  // One whose runner was lost, or which was re-run by hand, may still go on: its request says when it is over.
  const isOver = asked === null || (asked.status === 'completed' && request.settled !== null);
  return { kept: isOver ? { ...run, minutes } : run, minutes };
}
