/** Replaces secrets in all that leaves a job. */
export type Masks = { add(value: string): void; apply(text: string): string; hides(text: string): boolean };

/** Lines of a multi-line secret shorter than this (a lone brace) carry nothing and would blot out the log. */
const shortestLine = 3;
/** Opaque tokens, and since April 2026 `ghs_<app>_<JWT>` (GitHub docs, generating-an-installation-access-token). */
const tokenPattern = 'gh[a-z]_[A-Za-z0-9._-]{36,}';

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
    ...base64Of(value),
    Buffer.from(`x-access-token:${value}`).toString('base64'),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    value.replaceAll("'", "''"),
    value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    value.replace(/^"(.{6,})"$/s, '$1'),
  ];
  return [
    value,
    ...(lines.length > 1 ? lines.filter((line) => line.length >= shortestLine) : []),
    ...encoded,
  ];
}

/** How the value looks in the base64 of a text that it begins, or in which one or two bytes come before it. */
function base64Of(value: string): string[] {
  const bytes = Buffer.from(value);
  const whole = [bytes.toString('base64'), bytes.toString('base64url')];
  // What shares a group of three bytes with a neighbour is left out; a short rest would hide the innocent.
  const inside = [0, 1, 2].map((before) => {
    const encoded = bytes.subarray(before === 0 ? 0 : 3 - before).toString('base64');
    return encoded.replace(/=+$/, '').slice(0, Math.floor(encoded.replace(/=+$/, '').length / 4) * 4);
  });
  return [...whole, ...inside.filter((text) => text.length >= 8)];
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
