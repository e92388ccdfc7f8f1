import type { Estimate } from '../lifecycle/evidence.ts';

/** What stands where a figure isn't known: never NaN. */
const UNKNOWN = '–';

/** Three significant digits with thousands; whole numbers from 1,000 on in full. */
export function formatNumber(value: unknown): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return UNKNOWN;
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-6) return value.toExponential(2);
  if (Number.isInteger(value) || size >= 1000) return withThousands(Math.round(value).toString());
  const digits = Math.max(0, 2 - Math.floor(Math.log10(size)));
  return withThousands(value.toFixed(digits));
}

export function formatSigned(value: unknown): string {
  const text = formatNumber(value);
  return typeof value === 'number' && value > 0 && text !== '0' ? `+${text}` : text;
}

/** A share as a percentage: 0.123 is 12.3 %. */
export function formatPercent(value: unknown): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return UNKNOWN;
  return `${formatNumber(Number((value * 100).toPrecision(3)))} %`;
}

/** `48.2 [45.1, 51.3]`; without bounds there were too few units to tell. */
export function formatInterval(value: unknown): string {
  if (!isEstimate(value)) return UNKNOWN;
  const { estimate, lower, upper } = value;
  if (lower === null || upper === null) return `${formatNumber(estimate)} (too few units for an interval)`;
  return `${formatNumber(estimate)} [${formatNumber(lower)}, ${formatNumber(upper)}]`;
}

function isEstimate(value: unknown): value is Estimate {
  return (
    typeof value === 'object' && value !== null && 'estimate' in value && 'lower' in value && 'upper' in value
  );
}

function withThousands(text: string): string {
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

const UNITS = { W: 'week', D: 'day', H: 'hour', M: 'minute', S: 'second' };

/** An ISO 8601 duration of fixed length in words: `P1D` is `1 day`, `PT1H30M` is `1 hour 30 minutes`. */
export function formatDuration(duration: string): string {
  const parts = [...duration.matchAll(/(\d+)([WDHMS])/g)].map(([, count = '', unit = '']) => {
    const word = UNITS[unit as keyof typeof UNITS];
    return `${count} ${word}${count === '1' ? '' : 's'}`;
  });
  return parts.length === 0 ? duration : parts.join(' ');
}
