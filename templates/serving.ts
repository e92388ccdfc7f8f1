import { render } from '../lib/formats/markdown.ts';
import { servingView } from '../lib/formats/serving-view.ts';
import { loadTemplate } from './load.ts';

/** What served when, as a table. */
export function renderServing(...facts: Parameters<typeof servingView>): string {
  return render(loadTemplate('comments/history.hbs'), servingView(...facts));
}
