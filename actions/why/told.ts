import { styleText } from 'node:util';
import { lineageView } from '#lib/formats/lineage-view.ts';
import type { Web } from '#lib/formats/page.ts';
import type { Lineage } from '#lib/lifecycle/lineage.ts';

type Paint = Parameters<typeof styleText>[0];

/** The chain as a tree for a terminal; `live` = colours. */
export function told(
  { lineage, named }: { lineage: Lineage; named: string | null },
  { live, web, records }: { live: boolean; web: Web; records: { ref: string; commit: string } },
): string {
  const paint = (colour: Paint, text: string) => (live ? styleText(colour, text) : text);
  const { title, candidate, nodes } = lineageView(lineage, { web, named });
  const head = [
    `${paint('bold', title)}  ${paint('dim', candidate)}`,
    ...(named === null ? [] : [`the digest is its ${named}`]),
  ];
  const lines = nodes.flatMap(({ name, digest, at, who, details, missing, page, url }, index) => {
    const isLast = index === nodes.length - 1;
    const mark = missing === null ? paint('green', '●') : paint('yellow', '○');
    const facts = [digest?.replace('sha256:', '').slice(0, 16), at, who].filter((text) => text);
    const under = [
      ...details.map(({ label, text }) => `${label}: ${text}`),
      ...(missing === null ? [] : [paint('yellow', `missing: ${missing}`)]),
      ...(page === '' ? [] : [paint('dim', url ?? page)]),
    ];
    return [
      `${isLast ? '└─' : '├─'} ${mark} ${paint('bold', name)}${facts.length > 0 ? `  ${facts.join('  ')}` : ''}`,
      ...under.map((text) => `${isLast ? ' ' : '│'}      ${text}`),
    ];
  });
  const from = paint('dim', `from ${records.ref} at ${records.commit.slice(0, 12)}`);
  return [...head, ...lines, from, ''].join('\n');
}
