import { describe, expect, it } from 'vitest';
import { renderEntries } from '#lib/formats/audit-export.ts';
import { auditEntry, auditLine, isWanted } from '#lib/lifecycle/audit.ts';
import { loadTemplate } from '../../templates/load.ts';

const HOSTILE = '=HYPERLINK("http://evil","a")\n<script>alert(1)</script>';
const line = auditLine(
  {
    event: 'held',
    actor: 'ml-lead',
    subject: HOSTILE,
    note: '@SUM(A1)',
    model: 'bikes',
    digest: `sha256:${'a'.repeat(64)}`,
    url: ['https://github.com/acme/bikes/issues/1', 'javascript:alert(1)'],
    verdict: 'failed',
  },
  { seq: 7, at: '2026-03-01T10:00:00.000Z', previous: null },
);
const entry = auditEntry(line);
if (entry === null) throw new Error('the line is an entry');
const entries = [{ ...entry, seq: 7, file: 'audit/2026/03/01.jsonl', line: 7 }];
const template = loadTemplate('pages/audit.hbs');

describe('the exported audit log', () => {
  it('has an entry per line of JSON', () => {
    const text = renderEntries(entries, { format: 'jsonl', template: '', of: 9 });
    expect(JSON.parse(text)).toMatchObject({ seq: 7, subject: HOSTILE, verdict: 'failed', line: 7 });
  });

  it('is no formula in a spreadsheet', () => {
    const [, ...rows] = renderEntries(entries, { format: 'csv', template: '', of: 9 }).split('\r\n');
    const cells = rows[0]?.match(/"(?:[^"]|"")*"/g) ?? [];
    expect(cells).toContain(`"'${HOSTILE.replaceAll('"', '""')}"`);
    expect(cells).toContain('"\'@SUM(A1)"');
    expect(cells.filter((cell) => /^"[\s]*[=+@-]/.test(cell))).toEqual([]);
  });

  it('is inert as a page', () => {
    const page = renderEntries(entries, { format: 'html', template, of: 9 });
    expect(page).toContain('1 of 9 entries, 2026-03-01 to 2026-03-01');
    expect(page).not.toContain('<script');
    expect(page).not.toContain('javascript:');
    expect(page).toContain('href="https://github.com/acme/bikes/issues/1"');
  });

  it('is narrowed by time, person, event and model, and holds no bookkeeping unless it is asked for', () => {
    const all = { since: null, until: null, all: false };
    const claim = auditEntry({ ...line, event: 'claimed', class: 'claim' });
    expect(claim && isWanted(claim, all)).toBe(false);
    expect(claim && isWanted(claim, { ...all, all: true })).toBe(true);
    const wanted = { since: '2026-03-01T00:00:00Z', until: '2026-03-01T23:59:59.999Z', actor: 'ML-lead' };
    expect(isWanted(entry, { ...all, ...wanted, event: 'hel', model: 'bikes' })).toBe(true);
    expect(isWanted(entry, { ...all, since: '2026-03-01T10:00:00.001Z' })).toBe(false);
    expect(isWanted(entry, { ...all, until: '2026-02-28T00:00:00Z' })).toBe(false);
    expect(isWanted(entry, { ...all, actor: 'ml' })).toBe(false);
    expect(isWanted(entry, { ...all, model: 'taxis' })).toBe(false);
  });
});
