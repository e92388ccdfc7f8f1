import type { Entry } from './concurrency.ts';
import { evaluate, type Json, type Scope } from './expression.ts';
import type { Graph } from './graph.ts';
import type { Template } from './template.ts';

export type TurnInput = {
  graph: Graph;
  /** The `concurrency:` of a workflow or job. */
  template: Template | undefined;
  scope: Scope;
  /** The run's, for a job `<run>/<job>`. */
  id: string;
  cancel: AbortController;
};

/** Does `work` when the concurrency group lets it; 'cancelled' when its turn never comes. */
export async function takeTurn<T>(input: TurnInput, work: () => Promise<T>): Promise<T | 'cancelled'> {
  const { template, scope, id, cancel } = input;
  const { concurrency, run } = input.graph;
  if (template === undefined) return work();
  const { group, entry } = readConcurrency(evaluate(template, scope), id);
  const name = `${run.repository.id}:${group.toLowerCase()}`;
  try {
    return (await concurrency.join(name, entry, cancel)) ? await work() : 'cancelled';
  } finally {
    concurrency.leave(name, id);
  }
}

function readConcurrency(value: Json, id: string): { group: string; entry: Entry } {
  const setting =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { group: value };
  const entry: Entry = {
    id,
    cancelInProgress: setting['cancel-in-progress'] === true,
    queue: setting.queue === 'max' ? 'max' : 'single',
  };
  return { group: String(setting.group ?? ''), entry };
}
