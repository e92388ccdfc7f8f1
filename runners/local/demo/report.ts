import type { Dashboard } from './dashboard.ts';
import { type Judgement, judgements } from './evidence.ts';
import type { InitReport } from './init-files.ts';
import type { Played } from './play.ts';
import { versions } from './scenes.ts';

/** What `--json` ends with. */
export type DemoReport = {
  task: string;
  rows: number;
  leaks: { columns: string[]; reason: string }[];
  left_out: { column: string; reason: string }[];
  versions: string[];
  /** Of the first version, on the newest rows that it did not train on. */
  holdout: { metric: string; estimate: number; lower: number | null; upper: number | null }[];
  windows: {
    name: string;
    from: string;
    until: string;
    predictions: number;
    drift: Record<string, string>;
    performance: { metric: string; served: number; lower: number | null; upper: number | null }[];
    decay: string;
    decision: string;
    evidence: string;
  }[];
  /** Of the newest retraining that was judged; null where none was. */
  retraining: { verdict: string } | null;
  /** Items of the checklist that are on record at the end, as the dashboard issue says. */
  checklist: { fulfilled: number; total: number };
  traffic: Played['traffic'];
  missed: unknown[];
  seconds: number;
};

type About = Pick<InitReport, 'task' | 'rows' | 'leaks' | 'left_out'>;

/** Every figure is read from the recorded evidence. */
export async function demoReport(
  { stage, records, traffic }: Played,
  { about, dashboard, seconds }: { about: About; dashboard: Dashboard; seconds: number },
): Promise<DemoReport> {
  const judged = await judgements(stage);
  const [first, ...retrainings] = judged;
  return {
    task: about.task,
    rows: about.rows,
    leaks: about.leaks.map(({ columns, reason }) => ({ columns, reason })),
    left_out: about.left_out,
    versions: await versions(stage),
    holdout: first === undefined ? [] : holdoutOf(first),
    windows: records.map(({ monitor, decision, path }, index) => ({
      name: stage.case.stretches[index]?.name ?? '',
      from: monitor.window.from,
      until: monitor.window.until,
      predictions: monitor.predictions,
      drift: Object.fromEntries(monitor.drift.map(({ column, verdict }) => [column, verdict])),
      performance: monitor.performance.map(({ metric, served }) => ({
        metric,
        served: served.estimate,
        lower: served.lower,
        upper: served.upper,
      })),
      decay: monitor.decay,
      decision,
      evidence: path,
    })),
    retraining: retrainingOf(retrainings),
    checklist: { fulfilled: dashboard.fulfilled, total: dashboard.total },
    traffic,
    missed: stage.expectations.missed(),
    seconds,
  };
}

function holdoutOf({ recent }: Judgement): DemoReport['holdout'] {
  return recent.comparisons.map(({ metric, candidate }) => ({
    metric,
    estimate: candidate.estimate,
    lower: candidate.lower,
    upper: candidate.upper,
  }));
}

function retrainingOf(judged: readonly Judgement[]): DemoReport['retraining'] {
  const last = judged.at(-1);
  return last === undefined ? null : { verdict: last.verdict };
}
