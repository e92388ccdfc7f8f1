import type { Evidence } from '../checklist/facts.ts';
import { EU_AI_ACT } from './eu-ai-act.ts';
import type { ComplianceFacts, Framework, Heading } from './facts.ts';
import { NIST_AI_RMF } from './nist-ai-rmf.ts';

export const FRAMEWORKS: readonly Framework[] = [EU_AI_ACT, NIST_AI_RMF];

/** `on record`: everything that the heading looks for was found. It says nothing of whether that is enough. */
export type PackHeading = {
  id: string;
  title: string;
  state: 'on record' | 'in part' | 'missing';
  evidence: Evidence[];
  missing: string[];
};
export type Pack = {
  framework: Omit<Framework, 'groups'>;
  model: string | null;
  /** Headings by state. */
  counts: Record<PackHeading['state'], number>;
  groups: { title: string; headings: PackHeading[] }[];
};

/**
 * A framework's headings with what is on record under each, and what is not. Nothing is written that no record,
 * committed file or document by people says.
 */
export function packOf({ groups, ...framework }: Framework, facts: ComplianceFacts): Pack {
  const filled = groups.map(({ title, headings }) => ({
    title,
    headings: headings.map((heading) => fill(framework.id, heading, facts)),
  }));
  const all = filled.flatMap(({ headings }) => headings);
  const count = (state: PackHeading['state']) => all.filter((heading) => heading.state === state).length;
  return {
    ...{ framework, model: facts.model, groups: filled },
    counts: { 'on record': count('on record'), 'in part': count('in part'), missing: count('missing') },
  };
}

function fill(
  framework: string,
  { id, title, sources, outside }: Heading,
  facts: ComplianceFacts,
): PackHeading {
  const found = sources.map(({ what, find }) => ({ what, evidence: find(facts) }));
  const written = documentsOf(framework, id, facts);
  const evidence = [...found.flatMap((one) => one.evidence), ...written];
  const missing = [
    ...found.flatMap((one) => (one.evidence.length === 0 && one.what !== null ? [one.what] : [])),
    // Whoever adds a document answers for what no record can show.
    ...(written.length > 0 ? [] : outside),
  ];
  const state = evidence.length === 0 ? 'missing' : missing.length === 0 ? 'on record' : 'in part';
  return { id, title, state, evidence, missing };
}

/** Where a document of one's own belongs, such as `compliance/bikes/eu-ai-act/2h.md` for 2(h). */
export function documentPath(framework: string, heading: string, model: string): string {
  const name = heading.replace(/[()]/g, '').replaceAll(' ', '-').toLowerCase();
  return `compliance/${model}/${framework}/${name}.md`;
}

function documentsOf(framework: string, heading: string, { model, files }: ComplianceFacts): Evidence[] {
  if (model === null) return [];
  const path = documentPath(framework, heading, model);
  return files
    .filter((file) => file.path === path)
    .map(({ digest }) => ({ text: 'a document by people', at: { kind: 'file', path }, digest }));
}
