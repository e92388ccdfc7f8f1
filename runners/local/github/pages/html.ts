/** Text that is safe to send: made by the tag below, or by the Markdown sanitizer. */
export type Html = { readonly html: string };
type Value = Html | readonly Html[] | string | number | null | undefined | false;

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** Every value is escaped unless it is Html itself. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return { html: strings.map((text, at) => text + (at < values.length ? render(values[at]) : '')).join('') };
}

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return '';
  if (typeof value === 'object')
    return 'html' in value ? value.html : value.map(({ html: text }) => text).join('');
  return escapeHtml(String(value));
}

export function time(at: string | null): Html {
  if (!at) return html``;
  return html`<time datetime="${at}">${at.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}</time>`;
}

export function duration(from: string | null, to: string | null): string {
  if (!from) return '';
  const seconds = Math.max(
    0,
    Math.round((Date.parse(to ?? new Date().toISOString()) - Date.parse(from)) / 1000),
  );
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

const MARKS: Record<string, string> = {
  success: '✓',
  failure: '✗',
  cancelled: '⊘',
  skipped: '→',
  neutral: '■',
  timed_out: '✗',
  action_required: '!',
  in_progress: '●',
  queued: '○',
};

/** A coloured mark and its word: the word stays for those who do not see the colour. */
export function badge(state: string): Html {
  return html`<span class="badge ${state}"><span aria-hidden="true">${MARKS[state] ?? '•'}</span> ${state.replaceAll('_', ' ')}</span>`;
}
