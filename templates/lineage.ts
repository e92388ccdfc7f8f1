import { lineageView } from '../lib/formats/lineage-view.ts';
import { render } from '../lib/formats/markdown.ts';
import type { Web } from '../lib/formats/page.ts';
import type { Lineage } from '../lib/lifecycle/lineage.ts';
import { loadTemplate } from './load.ts';

/** The chain behind a candidate as a drawing with a table under it. */
export function renderLineage(lineage: Lineage, told: { web: Web; named: string | null }): string {
  return render(loadTemplate('comments/lineage.hbs'), lineageView(lineage, told));
}
