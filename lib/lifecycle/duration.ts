const UNITS = { W: 604_800_000, D: 86_400_000, H: 3_600_000, M: 60_000, S: 1_000 } as const;

/** Length in milliseconds of an ISO 8601 duration of fixed length, such as P28D or PT10M (`durationSchema`). */
export function durationMs(duration: string): number {
  let sum = 0;
  for (const [, count, unit] of duration.matchAll(/(\d+)([WDHMS])/g))
    sum += Number(count) * UNITS[unit as keyof typeof UNITS];
  return sum;
}

/** The ISO 8601 duration of a length, rounded to seconds: 129,600,000 ms is P1DT12H. */
export function durationOf(ms: number): string {
  let rest = Math.round(ms / 1000) * 1000;
  const take = (unit: 'D' | 'H' | 'M' | 'S') => {
    const count = Math.floor(rest / UNITS[unit]);
    rest -= count * UNITS[unit];
    return count > 0 ? `${count}${unit}` : '';
  };
  const days = take('D');
  const clock = take('H') + take('M') + take('S');
  if (days === '' && clock === '') return 'PT0S';
  return `P${days}${clock && `T${clock}`}`;
}
