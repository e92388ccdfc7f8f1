import type { Dialect } from '#lib/lifecycle/data.ts';
import type { ColumnFacts } from './inspect.ts';

/** The model that `init` is asked to make of a file. */
export type ModelRequest = {
  name: string;
  target: string;
  time: string[];
  task: 'regression' | 'binary' | 'multiclass' | null;
  positive: string | null;
  /** What the user says of a CSV; the rest is found out. */
  asked: Partial<Dialect>;
};
/** A column that a prediction is made from. */
export type InitInput = { name: string; type: 'number' | 'category'; column: ColumnFacts };
