import { diff3Merge } from 'node-diff3';

/** Above this a text is no configuration or code that a person merges by lines; diff3 is quadratic at worst. */
const MAX_CHARACTERS = 1_000_000;

/**
 * Three-way merge by lines (diff3: Khanna, Kunal, Pierce 2007). Null on a conflict, for bytes that are no text, and
 * for what is too large.
 */
export function mergeText({
  ancestor,
  head,
  base,
}: {
  ancestor: string;
  head: string;
  base: string;
}): string | null {
  const texts = [ancestor, head, base];
  if (texts.some((text) => text.length > MAX_CHARACTERS || /[\0\ufffd]/.test(text))) return null;
  const lines = (text: string) => text.split('\n');
  const merged: string[] = [];
  for (const region of diff3Merge(lines(head), lines(ancestor), lines(base), {
    excludeFalseConflicts: true,
  })) {
    if (!region.ok) return null;
    merged.push(...region.ok);
  }
  return merged.join('\n');
}
