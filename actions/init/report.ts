import type { Split } from '#lib/lifecycle/data.ts';
import type { Metric, Task } from '#lib/lifecycle/problem.ts';

export type ColumnRole = 'input' | 'target' | 'time' | 'key' | 'left-out';

/** What `init` understood of a file: its JSON says this, whatever else is written. */
export type ModelReport = {
  task: Task['kind'];
  target: string;
  positive: string | number | boolean | null;
  time: { columns: string[] } | null;
  rows: number;
  /** Of a CSV. */
  dialect: Record<string, unknown> | null;
  columns: {
    name: string;
    type: string;
    kind: string;
    role: ColumnRole;
    distinct: number;
    missing: number;
  }[];
  leaks: { columns: string[]; reason: string; score: number }[];
  left_out: { column: string; reason: string }[];
  /** Codes that stand for a missing value; `column` null: in every column. */
  missing: { column: string | null; codes: string[]; applied: boolean }[];
  problem: { metric: Metric; direction: 'minimize' | 'maximize'; trivial: number; threshold: number };
  split: Split;
};
