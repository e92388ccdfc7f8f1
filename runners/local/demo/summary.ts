import { styleText } from 'node:util';
import { bars } from './figures.ts';
import { type CheckRecord, interval } from './year.ts';

const MOST_COLUMNS = 120;
const SERVED_BY = 4;

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
  const first = monitor.replay.find(({ metric }) => metric === performance?.metric);
  return {
    stretch,
    window: monitor.window,
    predictions: monitor.predictions,
    versions: monitor.versions,
    metric: performance?.metric ?? '',
    served: performance?.served ?? { estimate: Number.NaN, lower: null, upper: null },
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
  const metric = rows.find((row) => row.metric !== '')?.metric ?? '';
  const isPriced = rows.some(({ value }) => value !== null);
  const head = [
    '',
    `${metric} v${rows[0]?.first?.version ?? '1.0.0'} alone`,
    `${metric} as served`,
    'change',
    'served by',
    'inputs',
    'decay',
    'retrain',
    ...(isPriced ? ['cost/1,000'] : []),
  ];
  const body = rows.map((row) => [
    row.stretch,
    row.first === null ? '-' : figure(row.first, row.metric),
    figure(row.served, row.metric),
    row.first === null || !(row.served.estimate >= 0) ? '-' : change(row.served.estimate, row.first.estimate),
    row.versions.map(({ version, predictions }) => `v${version} ${predictions}`).join(', '),
    row.drift === 'inconclusive' ? 'unsure' : row.drift,
    row.decay === 'failed' ? 'yes' : row.decay === 'passed' ? 'no' : 'unsure',
    row.decision === 'open' ? 'opened' : 'none',
    ...(isPriced ? [price(row)] : []),
  ]);
  const widths = fitted(
    head.map((title, column) => Math.max(title.length, ...body.map((cells) => cells[column]?.length ?? 0))),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => clipped(cell, widths[column] ?? 0).padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  out.write(`\n${bold(line(head))}\n${body.map(line).join('\n')}\n`);
  if (rows.length < 2) return;
  const [alone, asServed] = bars([
    rows.map(({ first }) => first?.estimate ?? Number.NaN),
    rows.map(({ served }) => served.estimate),
  ]);
  out.write(`${metric} alone     ${alone}\n${metric} as served ${asServed}\n`);
}

/** What served is the one column that may be cut: the evidence has all of it. */
function fitted(widths: number[]): number[] {
  const total = widths.reduce((sum, width) => sum + width + 2, -2);
  return widths.map((width, column) =>
    column === SERVED_BY ? Math.max(9, width - Math.max(0, total - MOST_COLUMNS)) : width,
  );
}

function clipped(cell: string, width: number): string {
  return cell.length > width ? `${cell.slice(0, width - 1)}…` : cell;
}

/** Without an interval the estimate stands alone: a window of few days has too few units for one. */
function figure(estimate: SummaryRow['served'], metric: string): string {
  if (!Number.isFinite(estimate.estimate)) return '-';
  return interval(estimate, metric).replace(' (too few units for an interval)', ' [too few]');
}

function price({ value }: SummaryRow): string {
  return value === null ? '-' : `${Math.round(value.served).toLocaleString('en')} ${value.unit}`;
}

/** Below 0 = a smaller figure than the first version would have reached. */
function change(served: number, first: number): string {
  if (first === 0) return '-';
  const share = Math.round((100 * (served - first)) / Math.abs(first));
  return `${share > 0 ? '+' : ''}${share === 0 ? 0 : share} %`;
}
