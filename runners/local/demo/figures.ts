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

/**
 * Heights of series between 0 and the largest value of them all, one character each: equal heights are equal
 * values, in whichever series they stand.
 */
export function bars(series: readonly (readonly number[])[]): string[] {
  const most = Math.max(...series.flat().map(Math.abs).filter(Number.isFinite));
  if (!(most > 0)) return series.map(() => '');
  const bar = (value: number) => BARS[Math.round((Math.abs(value) / most) * (BARS.length - 1))] ?? ' ';
  return series.map((values) => values.map(bar).join(''));
}
