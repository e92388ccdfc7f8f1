/** Metrics that are shares or nearly so: three digits tell what one decimal would hide. */
const RATIOS = new Set(['accuracy', 'auc', 'f1', 'r2', 'log_loss', 'average_precision']);
const MOST_DECIMALS = 6;

/** How many decimals a figure of a metric is printed with: three digits at least, none of 100,000 and more. */
export function decimals(metric: string, estimate: number): number {
  const size = Math.abs(estimate);
  if (size >= 100_000) return 0;
  if (size >= 10) return 1;
  if (RATIOS.has(metric) || size === 0 || !Number.isFinite(size)) return 3;
  return Math.min(MOST_DECIMALS, 2 - Math.floor(Math.log10(size)));
}

const BARS = '▁▂▃▄▅▆▇█';

/** Heights of a series between 0 and its largest value, one character each. */
export function bars(values: readonly number[]): string {
  const most = Math.max(...values.map(Math.abs));
  if (!(most > 0)) return '';
  return values
    .map((value) => BARS[Math.round((Math.abs(value) / most) * (BARS.length - 1))] ?? ' ')
    .join('');
}
