/** Below 0 where `a` is the older version. Both are `1.2.0`. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [numbersOf(a), numbersOf(b)];
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The versions that stand nearest to one that isn't there: the one below, the one above, and so on outwards. */
export function nearestVersions(version: string, versions: readonly string[], count = 3): string[] {
  const below = versions
    .filter((one) => compareVersions(one, version) < 0)
    .toSorted((a, b) => compareVersions(b, a));
  const above = versions.filter((one) => compareVersions(one, version) > 0).toSorted(compareVersions);
  const steps = Array.from({ length: Math.max(below.length, above.length) }, (_, index) => index);
  return steps.flatMap((at) => [below.slice(at, at + 1), above.slice(at, at + 1)].flat()).slice(0, count);
}

function numbersOf(version: string): number[] {
  return version.split('.').map(Number);
}
