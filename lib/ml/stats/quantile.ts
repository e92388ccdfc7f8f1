/** Quantile by linear interpolation (type 7 of Hyndman & Fan 1996) of ascending values; NaN of none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const value = sorted[low] ?? Number.NaN;
  const next = sorted[low + 1] ?? value;
  return value + (next - value) * (place - low);
}
