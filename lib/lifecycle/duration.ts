const UNITS = { W: 604_800_000, D: 86_400_000, H: 3_600_000, M: 60_000, S: 1_000 } as const;

/** Length in milliseconds of an ISO 8601 duration of fixed length, such as P28D or PT10M (`durationSchema`). */
export function durationMs(duration: string): number {
  let sum = 0;
  for (const [, count, unit] of duration.matchAll(/(\d+)([WDHMS])/g))
    sum += Number(count) * UNITS[unit as keyof typeof UNITS];
  return sum;
}
