import type { Split } from '#lib/lifecycle/data-split.ts';
import type { Leak } from '#lib/lifecycle/leaks.ts';
import type { Metric, Task } from '#lib/lifecycle/problem.ts';
import type { Understanding } from './understand.ts';

export type ColumnRole = 'input' | 'target' | 'time' | 'key' | 'left-out';

/** What `init` understood of a file: its JSON says this, whatever else is written. */
export type ModelReport = {
  task: Task['kind'];
  target: string;
  positive: string | number | boolean | null;
  time: { columns: string[]; format: string; from: string; until: string; sql: string } | null;
  /** Rows that can be used. */
  rows: number;
  dropped: { unlabelled: number; timeless: number };
  /** Of a CSV. */
  dialect: Record<string, unknown> | null;
  columns: {
    name: string;
    type: string;
    kind: 'number' | 'category' | 'text' | 'time';
    role: ColumnRole;
    distinct: number;
    missing: number;
  }[];
  leaks: Leak[];
  /** Strong, but not beyond belief: kept. */
  suspicious: Leak[];
  left_out: { column: string; reason: string }[];
  /** Codes that stand for a missing value; `column` null: in every column. */
  missing: { column: string | null; codes: string[]; applied: boolean }[];
  problem: { metric: Metric; direction: 'minimize' | 'maximize'; trivial: number; threshold: number };
  split: Split;
};

export function reportOf(known: Understanding): ModelReport {
  const { facts, task, success, choice } = known;
  const { time, from, until, rows, format } = facts;
  const { metric, direction, trivial, threshold } = success;
  return {
    task: task.kind,
    target: known.target,
    positive: task.kind === 'binary' ? task.positive : null,
    time:
      time && from && until
        ? { columns: time.columns, format: time.format, from, until, sql: time.sql }
        : null,
    rows: rows.kept,
    dropped: { unlabelled: rows.unlabelled, timeless: rows.timeless },
    dialect: format.kind === 'csv' ? { ...format.dialect } : null,
    columns: facts.columns.map(({ name, type, kind, distinct, missing }) => {
      const input = known.inputs.find(({ column }) => column.name === name);
      const role = roleOf(known, name);
      return { name, type, kind: input?.type ?? kind, role, distinct, missing };
    }),
    leaks: known.leaks,
    suspicious: known.suspicious,
    left_out: known.leftOut,
    missing: missingOf(known),
    problem: { metric, direction, trivial, threshold },
    split: choice.split,
  };
}

function roleOf({ target, key, inputs, facts }: Understanding, name: string): ColumnRole {
  if (name === target) return 'target';
  if (key.includes(name)) return 'key';
  if (inputs.some(({ column }) => column.name === name)) return 'input';
  return facts.time?.columns.includes(name) ? 'time' : 'left-out';
}

function missingOf({ facts }: Understanding): ModelReport['missing'] {
  const { format, cleaning } = facts;
  const words: readonly string[] = format.kind === 'csv' ? format.dialect.missing : [];
  const everywhere = words.length > 0 ? [{ column: null, codes: [...words], applied: true }] : [];
  const single = cleaning.codes.flatMap(({ column, applied, kept }) => {
    const own = applied.filter((code) => !words.includes(code));
    return [
      ...(own.length > 0 ? [{ column, codes: own, applied: true }] : []),
      ...(kept.length > 0 ? [{ column, codes: kept, applied: false }] : []),
    ];
  });
  const sentinels = cleaning.sentinels.map(({ column, value, applied }) => ({
    column,
    codes: [String(value)],
    applied,
  }));
  return [...everywhere, ...single, ...sentinels];
}
