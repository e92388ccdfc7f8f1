/** Replaces secrets in all that leaves a job. */
export type Masks = { add(value: string): void; apply(text: string): string; hides(text: string): boolean };

/** Lines of a multi-line secret shorter than this (a lone brace) carry nothing and would blot out the log. */
const shortestLine = 3;
const tokenPattern = 'gh[a-z]_[A-Za-z0-9._]{36,}';

export function createMasks(): Masks {
  const values = new Set<string>();
  let pattern = new RegExp(tokenPattern, 'g');

  function add(value: string): void {
    const before = values.size;
    for (const variant of variantsOf(value)) values.add(variant);
    if (values.size === before) return;
    const longestFirst = [...values].toSorted((a, b) => b.length - a.length).map(literally);
    pattern = new RegExp([...longestFirst, tokenPattern].join('|'), 'g');
  }

  return {
    add,
    apply: (text) => text.replace(pattern, '***'),
    hides: (text) => text.search(pattern) >= 0,
  };
}

/** The value itself, its lines, and the encodings in which it is likely to be printed. */
function variantsOf(value: string): string[] {
  if (value.trim() === '') return [];
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  const encoded = [
    Buffer.from(value).toString('base64'),
    Buffer.from(`x-access-token:${value}`).toString('base64'),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
  ];
  return [
    value,
    ...(lines.length > 1 ? lines.filter((line) => line.length >= shortestLine) : []),
    ...encoded,
  ];
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
