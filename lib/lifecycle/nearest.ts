/** The one of `names` that a typo most likely meant: at most two edits away (one for words under five letters). */
export function nearestOf<const Name extends string>(word: string, names: readonly Name[]): Name | null {
  const limit = word.length < 5 ? 1 : 2;
  let best: { name: Name; distance: number } | null = null;
  for (const name of names) {
    const distance = editDistance(word.slice(0, 60), name);
    if (distance <= limit && (best === null || distance < best.distance)) best = { name, distance };
  }
  return best?.name ?? null;
}

/** Damerau-Levenshtein distance, optimal string alignment: a swap of neighbours is one edit. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const step = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      current.push(swapped ? Math.min(step, (before[j - 2] ?? 0) + 1) : step);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
