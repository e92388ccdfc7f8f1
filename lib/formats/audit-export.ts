import Handlebars from 'handlebars';
import type { AuditEntry } from '../lifecycle/audit.ts';

export const AUDIT_FORMATS = ['jsonl', 'csv', 'html'] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

/** An entry with the place of its line on branch `roundhouse`. */
type Placed = AuditEntry & { file: string; line: number };

/** Entries as a text: JSON lines, a table for spreadsheets, or a page of its own that needs nothing else. */
export function renderEntries(
  entries: readonly Placed[],
  { format, template, of }: { format: AuditFormat; template: string; of: number },
): string {
  switch (format) {
    case 'jsonl':
      return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
    case 'csv':
      return csvOf(entries);
    case 'html':
      return pageOf(entries, template, of);
  }
}

const COLUMNS = [
  'seq',
  'at',
  'class',
  'event',
  'actor',
  'subject',
  'model',
  'note',
  'verdict',
  'digests',
  'links',
  'previous',
  'file',
  'line',
] as const satisfies readonly (keyof Placed)[];

/** RFC 4180. */
function csvOf(entries: readonly Placed[]): string {
  const rows = entries.map((entry) => COLUMNS.map((column) => cellOf(entry[column])).join(','));
  return [COLUMNS.join(','), ...rows, ''].join('\r\n');
}

/**
 * Always quoted. What a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection):
 * subjects and notes are people's words.
 */
function cellOf(value: string | number | readonly string[] | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : value.join(' ');
  const inert = /^[\s]*[=+\-@]|^[\t\r\n]/.test(text) ? `'${text}` : text;
  return `"${inert.replaceAll('"', '""')}"`;
}

function pageOf(entries: readonly Placed[], template: string, of: number): string {
  const render = Handlebars.compile(template, { strict: true });
  return render({
    count: entries.length,
    of,
    from: entries[0]?.at.slice(0, 10) ?? null,
    to: entries.at(-1)?.at.slice(0, 10) ?? null,
    entries: entries.map((entry) => ({
      ...entry,
      time: entry.at.slice(0, 19).replace('T', ' '),
      digests: entry.digests.map((digest) => ({
        whole: digest,
        short: digest.replace(/^sha256:/, '').slice(0, 12),
      })),
      // Any other scheme would run as a script.
      links: entry.links.filter((link) => /^https?:\/\//.test(link)),
    })),
  });
}
