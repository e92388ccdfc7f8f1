import { formatNumber, formatPercent, formatSigned } from '#lib/formats/numbers.ts';

/** A number, date, version or digest as it is printed, and the paths in the evidence that it comes from. */
type Figure = { text: string; at: string; paths: string[]; found: boolean };

const FIGURE =
  /\b[0-9a-f]{64}\b|\b[0-9a-f]{16}\b|\d{4}-\d{2}-\d{2}|\d+\.\d+\.\d+|(?<![\w)])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]\d+)?|\d+/g;

type Rendered<Facts> = {
  facts: Facts;
  render: (facts: Facts) => string;
  /** Words of a template that hold digits. */
  words: RegExp;
};

/**
 * Where each printed figure comes from, found by experiment: every number and every text with digits in the
 * facts is changed, one at a time, and the figures that change with it hang on its path. `found` says that one
 * of those paths holds the very value that is printed. A figure without a path was never measured.
 */
export function traceFigures<Facts>({ facts, render, words }: Rendered<Facts>): Figure[] {
  const clean = (text: string) => text.replace(words, (word) => word.replace(/\d/g, '·'));
  const text = clean(render(facts));
  const figures = figuresOf(text).map(({ text, at }) => ({ text, at, paths: [] as string[], found: false }));
  for (const { path, value } of leavesOf(facts)) {
    const changed = structuredClone(facts);
    setAt(changed, path, otherThan(value));
    const shown = renderedOr(() => figuresOf(clean(render(changed))), []);
    if (shown.length !== figures.length) continue;
    for (const [index, figure] of figures.entries()) {
      if (shown[index]?.text === figure.text) continue;
      figure.paths.push(path.join('.'));
      figure.found ||= textsOf(value).includes(figure.text);
    }
  }
  return figures;
}

function figuresOf(text: string): { text: string; at: string }[] {
  return [...text.matchAll(FIGURE)].map((match) => ({
    text: match[0],
    at: text.slice(Math.max(0, match.index - 50), match.index + 30).replaceAll('\n', '↵'),
  }));
}

/** All that a value may read like: numbers as cards, charts, tables of a terminal and front matter write them. */
function textsOf(value: Leaf): string[] {
  const texts =
    typeof value === 'string'
      ? [value, shortened(value)]
      : [
          formatNumber(value),
          formatSigned(value),
          formatPercent(value),
          String(value),
          ...[1, 2, 6].map((digits) => value.toFixed(digits)),
          Math.round(value).toLocaleString('en'),
        ];
  return texts.flatMap((each) => figuresOf(each).map(({ text }) => text));
}

/** Instants are shown as days, digests often by their first 16 characters. */
function shortened(value: string): string {
  if (value.startsWith('sha256:')) return value.slice(7, 23);
  return /^\d{4}-\d{2}-\d{2}T/.test(value) ? value.slice(0, 10) : value;
}

type Leaf = number | string;
type Path = (string | number)[];

function leavesOf(value: unknown, path: Path = []): { path: Path; value: Leaf }[] {
  if (typeof value === 'number' || (typeof value === 'string' && /\d/.test(value))) return [{ path, value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

function otherThan(value: Leaf): Leaf {
  if (typeof value === 'string')
    return value.replace(/sha256:|\d/g, (part) => (part.length > 1 ? part : String((Number(part) + 3) % 10)));
  if (Number.isInteger(value)) return value + 1009;
  return value * 1.5 + Math.sign(value) * 7;
}

function setAt(target: unknown, path: Path, value: Leaf): void {
  const last = path.at(-1) ?? '';
  const holder = path
    .slice(0, -1)
    .reduce((inner, key) => (inner as Record<Path[number], unknown>)[key], target);
  (holder as Record<Path[number], unknown>)[last] = value;
}

/** A changed index or name may leave nothing to render: that says nothing about a figure. */
function renderedOr<Result>(render: () => Result, otherwise: Result): Result {
  try {
    return render();
  } catch {
    return otherwise;
  }
}
