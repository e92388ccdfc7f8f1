import type { Estimate } from '../lifecycle/evidence.ts';
import type { Detail, Lineage, LineageNode } from '../lifecycle/lineage.ts';
import { flowChart } from './mermaid.ts';
import { formatInterval, formatNumber } from './numbers.ts';
import { pageName, pageUrl, type Web } from './page.ts';

/** The view of templates/comments/lineage.hbs; `named` says what the digest that was asked for is. */
export function lineageView(lineage: Lineage, { web, named }: { web: Web; named: string | null }) {
  return {
    title: titleOf(lineage),
    candidate: lineage.candidate,
    named,
    chart: lineageChart(lineage),
    nodes: lineage.nodes.map((node) => ({
      kind: node.kind,
      name: node.name,
      digest: node.digest,
      at: node.at === null ? null : minute(node.at),
      who: node.who.join(', '),
      details: node.details.map(detailView),
      missing: node.missing,
      page: pageName(node.page),
      url: pageUrl(node.page, web),
    })),
    missing: lineage.missing,
  };
}

export function titleOf({ model, version, candidate }: Lineage): string {
  return version === null ? `${model} candidate ${short(candidate)}` : `${model} v${version}`;
}

/** The chain as a Mermaid block: each step with the begin of its digest. */
export function lineageChart({ nodes, edges }: Lineage): string {
  return flowChart(
    nodes.map(({ id, name, digest, missing }: LineageNode) => ({
      id,
      lines: [name, digest === null ? 'missing' : short(digest)],
      faint: missing !== null,
    })),
    edges,
  );
}

/** `code`: a digest or commit, shown short. */
function detailView({ label, value }: Detail): { label: string; text: string; code: boolean } {
  if (typeof value === 'object')
    return { label, text: formatInterval(value satisfies Estimate), code: false };
  if (typeof value === 'number') return { label, text: formatNumber(value), code: false };
  if (/^sha256:[0-9a-f]{64}$/.test(value)) return { label, text: short(value), code: true };
  if (/^[0-9a-f]{40}$/.test(value)) return { label, text: value.slice(0, 12), code: true };
  return { label, text: isInstant(value) ? minute(value) : value, code: false };
}

function isInstant(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(text);
}

function short(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 16);
}

/** `2026-03-01 10:00 UTC` */
export function minute(instant: string): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
