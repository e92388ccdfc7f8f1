import { styleText } from 'node:util';
import { type CheckRecord, interval } from './year.ts';

export type SummaryRow = {
  stretch: string;
  window: { from: string; until: string };
  predictions: number;
  versions: { version: string; predictions: number }[];
  metric: string;
  served: { estimate: number; lower: number | null; upper: number | null };
  first: { version: string; estimate: number; lower: number | null; upper: number | null } | null;
  drift: string;
  decay: string;
  decision: 'open' | 'none';
  value: { unit: string; served: number } | null;
  /** Path on branch `roundhouse` where every figure of the row stands. */
  evidence: string;
};

/** One row a stretch, all of it read from the recorded evidence. */
export function summaryRow(stretch: string, { monitor, decision, path }: CheckRecord): SummaryRow {
  const [performance] = monitor.performance;
  if (performance === undefined) throw new Error(`${path} has no performance figure`);
  const first = monitor.replay.find(({ metric }) => metric === performance.metric);
  return {
    stretch,
    window: monitor.window,
    predictions: monitor.predictions,
    versions: monitor.versions,
    metric: performance.metric,
    served: performance.served,
    first: first === undefined ? null : { version: first.version, ...first.estimate },
    drift: monitor.drift_verdict,
    decay: monitor.decay,
    decision,
    value:
      monitor.value === null ? null : { unit: monitor.value.unit, served: monitor.value.served.estimate },
    evidence: path,
  };
}

export function printSummary(rows: SummaryRow[], out: NodeJS.WriteStream): void {
  const bold = (text: string) => (out.isTTY ? styleText('bold', text) : text);
  const metric = rows[0]?.metric ?? '';
  const head = [
    '',
    `${metric} v${rows[0]?.first?.version ?? '1.0.0'} alone`,
    `${metric} as served`,
    'change',
    'served by',
    'inputs',
    'decay',
    'retraining',
    'cost per 1,000',
  ];
  const body = rows.map((row) => [
    row.stretch,
    row.first === null ? '-' : interval(row.first),
    interval(row.served),
    row.first === null ? '-' : change(row.served.estimate, row.first.estimate),
    row.versions.map(({ version, predictions }) => `v${version} ${predictions}`).join(', '),
    row.drift,
    row.decay === 'failed' ? 'yes' : row.decay === 'passed' ? 'no' : 'cannot tell',
    row.decision === 'open' ? 'opened' : 'none',
    row.value === null ? '-' : `${Math.round(row.value.served).toLocaleString('en')} ${row.value.unit}`,
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...body.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  out.write(`\n${bold(line(head))}\n${body.map(line).join('\n')}\n`);
}

/** Below 0 = less error than the first version would have made. */
function change(served: number, first: number): string {
  const share = (100 * (served - first)) / first;
  return `${share > 0 ? '+' : ''}${share.toFixed(0)} %`;
}
