/** One bar; labels come from data and are reduced to what Mermaid's quoted text can hold. */
export type Bar = { label: string; value: number };

/**
 * A bar chart as a Mermaid block, which GitHub renders in comments and files; empty when nothing is finite.
 * Every chart has a table under it: mail and mobile show the source.
 */
export function barChart({
  title,
  axis,
  bars,
}: {
  title: string;
  axis: string;
  bars: readonly Bar[];
}): string {
  const finite = bars.filter(({ value }) => Number.isFinite(value));
  if (finite.length === 0) return '';
  const highest = Math.max(0, ...finite.map(({ value }) => value));
  const lowest = Math.min(0, ...finite.map(({ value }) => value));
  const top = highest === lowest ? 1 : highest;
  return [
    '```mermaid',
    'xychart-beta',
    `  title "${plain(title)}"`,
    `  x-axis [${finite.map(({ label }) => `"${plain(label)}"`).join(', ')}]`,
    `  y-axis "${plain(axis)}" ${decimal(lowest)} --> ${decimal(top)}`,
    `  bar [${finite.map(({ value }) => decimal(value)).join(', ')}]`,
    '```',
  ].join('\n');
}

/** A box of a flow chart: its lines, in order. `faint` = what is missing. */
export type FlowNode = { id: string; lines: readonly string[]; faint: boolean };

/** A flow chart from left to right; labels are inert, ids are made here. */
export function flowChart(
  nodes: readonly FlowNode[],
  edges: readonly { from: string; to: string }[],
): string {
  const ids = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  return [
    '```mermaid',
    'flowchart LR',
    ...nodes.map(({ id, lines }) => `  ${ids.get(id)}["${lines.map(plain).join('<br/>')}"]`),
    ...edges.map(({ from, to }) => `  ${ids.get(from)} --> ${ids.get(to)}`),
    '  classDef faint stroke-dasharray: 4 4',
    ...nodes.flatMap(({ id, faint }) => (faint ? [`  class ${ids.get(id)} faint`] : [])),
    '```',
  ].join('\n');
}

/** Mermaid refuses exponents: plain decimals only. */
function decimal(value: number): string {
  const digits = Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 1 ? 2 : 6;
  const text = value.toFixed(digits);
  return Number(text) === 0 ? '0' : text;
}

function plain(text: string): string {
  return text.replace(/[^\p{L}\p{N} ._/%()-]/gu, '_').slice(0, 60);
}
