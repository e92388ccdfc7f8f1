import Handlebars from 'handlebars';
import { Marked } from 'marked';
import sanitize from 'sanitize-html';
import { complianceView } from '../lib/formats/compliance-view.ts';
import { render } from '../lib/formats/markdown.ts';
import { loadTemplate } from './load.ts';

/** A compliance pack as Markdown. */
export function renderCompliance(...facts: Parameters<typeof complianceView>): string {
  return render(loadTemplate('pages/compliance.hbs'), complianceView(...facts));
}

/** Markdown of ours as a page that stands alone and loads nothing. */
export function renderDocument(title: string, markdown: string): string {
  const body = sanitize(new Marked({ gfm: true }).parse(markdown, { async: false }));
  return Handlebars.compile(loadTemplate('pages/document.hbs'), { strict: true })({ title, body });
}
