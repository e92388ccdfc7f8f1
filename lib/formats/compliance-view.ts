import type { Evidence, Place } from '../lifecycle/checklist/facts.ts';
import { documentPath, type Pack } from '../lifecycle/compliance/pack.ts';

/** A page of GitHub, and the name of the place, which is all where there is no such page. */
export type LinkOf = (place: Place) => { text: string; url: string | null };

/**
 * The view of templates/pages/compliance.hbs: evidence names its source by a number, since many lines come from one
 * file. `from` names the commits that were read.
 */
export function complianceView(
  { framework, model, counts, groups }: Pack,
  { linkOf, from }: { linkOf: LinkOf; from: { records: string; files: string } },
) {
  const sources = new Map<string, { number: number; text: string; url: string | null }>();
  const numbered = ({ text, at, digest }: Evidence) => {
    const found = linkOf(at);
    const source = sources.get(found.text) ?? { ...safe(found), number: sources.size + 1 };
    sources.set(found.text, source);
    return { text, digest, number: source.number };
  };
  const filled = groups.map(({ title, headings }) => ({
    title,
    headings: headings.map(({ id, title: name, state, evidence, missing }) => ({
      ...{ id, name, state, missing },
      evidence: evidence.map(numbered),
      document: missing.length > 0 && model !== null ? documentPath(framework.id, id, model) : null,
    })),
  }));
  return {
    ...{ framework, model, from, groups: filled },
    total: counts['on record'] + counts['in part'] + counts.missing,
    counts: { found: counts['on record'], part: counts['in part'], missing: counts.missing },
    sources: [...sources.values()],
  };
}

function safe({ text, url }: ReturnType<LinkOf>): { text: string; url: string | null } {
  const isPage = url !== null && /^https?:\/\//.test(url) && URL.canParse(url);
  if (!isPage) return { text, url: null };
  return { text, url: new URL(url).href.replace(/[()<>|`"']/g, encodeURIComponent) };
}
