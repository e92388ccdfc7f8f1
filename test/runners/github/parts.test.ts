import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commands } from '../../../runners/local/github/git-http.ts';
import { matchesFilters, matchesRef } from '../../../runners/local/github/glob.ts';
import type { Change } from '../../../runners/local/github/journal.ts';
import { html } from '../../../runners/local/github/pages/html.ts';
import { markdown } from '../../../runners/local/github/pages/markdown.ts';
import { lastDue } from '../../../runners/local/github/schedule.ts';
import { isSigned, signedPath } from '../../../runners/local/github/signed-url.ts';
import { openState } from '../../../runners/local/github/state.ts';
import {
  dispatchInputs,
  parseWorkflow,
  renderRunName,
  schedules,
} from '../../../runners/local/github/workflow-file.ts';

test.each([
  ['main', ['main'], true],
  ['feature/a', ['feature/*'], true],
  ['feature/a/b', ['feature/*'], false],
  ['feature/a/b', ['feature/**'], true],
  ['release/1', ['release/**', '!release/**-alpha'], true],
  ['release/1-alpha', ['release/**', '!release/**-alpha'], false],
  ['docs/a.md', ['**.md'], true],
  ['a.md', ['**/*.md'], true],
  ['v1.10', ['v1.?'], false],
  ['v10', ['v[12][0-9]+'], true],
  ['a.b', ['a.b'], true],
  ['axb', ['a.b'], false],
])('filter: %s in %j is %s', (value, patterns, matched) => {
  expect(matchesFilters(value, patterns)).toBe(matched);
});

test.each([
  ['refs/tags/bikes@v1.0.0', 'refs/tags/*@v*', true],
  ['refs/tags/bikes#production#3', 'refs/tags/*#*', true],
  ['refs/tags/a/b@v1', 'refs/tags/*@v*', false],
  ['refs/heads/roundhouse', 'refs/heads/roundhouse', true],
  ['refs/heads/roundhouse2', 'refs/heads/roundhouse', false],
])('ruleset: %s by %s is %s', (ref, pattern, matched) => {
  expect(matchesRef(ref, pattern)).toBe(matched);
});

describe('schedules', () => {
  const due = (cron: string, from: string, to: string, timezone = 'UTC') =>
    lastDue({ cron, timezone, from: new Date(from), to: new Date(to) })?.toISOString();

  test.each([
    ['0 3 * * *', '2012-04-01T02:59:59Z', '2012-04-01T03:00:00Z', '2012-04-01T03:00:00.000Z'],
    ['0 3 * * *', '2012-04-01T03:00:00Z', '2012-04-01T03:00:01Z', undefined],
    ['0 3 * * *', '2012-01-01T00:00:00Z', '2012-04-01T00:00:00Z', '2012-03-31T03:00:00.000Z'],
    ['0 0 1 * *', '2012-01-15T00:00:00Z', '2012-02-15T00:00:00Z', '2012-02-01T00:00:00.000Z'],
    ['not a cron', '2012-01-15T00:00:00Z', '2012-02-15T00:00:00Z', undefined],
  ])('%s between %s and %s: %s', (cron, from, to, expected) => {
    expect(due(cron, from, to)).toBe(expected);
  });

  test('in their time zone', () => {
    expect(due('0 3 * * *', '2012-07-01T00:00:00Z', '2012-07-01T02:00:00Z', 'Europe/Berlin')).toBe(
      '2012-07-01T01:00:00.000Z',
    );
  });

  test('cut anywhere, a stretch of time fires each line at most once per cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000_000 }), fc.integer({ min: 1, max: 5_000_000 }), (a, b) => {
        const from = new Date('2012-01-01T00:00:00Z');
        const middle = new Date(from.getTime() + a * 1000);
        const to = new Date(middle.getTime() + b * 1000);
        const line = { cron: '*/20 * * * *', timezone: 'UTC' };
        const whole = lastDue({ ...line, from, to });
        const parts = [lastDue({ ...line, from, to: middle }), lastDue({ ...line, from: middle, to })];
        expect(whole).toEqual(parts[1] ?? parts[0]);
      }),
    );
  });
});

describe('workflow files', () => {
  test('triggers in all three forms', () => {
    const of = (on: string) => {
      const parsed = parseWorkflow('w.yml', `on: ${on}\njobs: {a: {}}\n`);
      return 'fault' in parsed ? parsed.fault : Object.keys(parsed.on);
    };
    expect(of('push')).toEqual(['push']);
    expect(of('[push, pull_request]')).toEqual(['push', 'pull_request']);
    expect(of('{push: {branches: [main]}, workflow_dispatch: }')).toEqual(['push', 'workflow_dispatch']);
    expect(of('')).toBe('no triggers');
  });

  test('a broken or hostile file is a fault, not an exception', () => {
    expect(parseWorkflow('w.yml', 'on: [')).toMatchObject({ fault: expect.any(String) });
    expect(parseWorkflow('w.yml', '['.repeat(5000))).toMatchObject({
      fault: expect.stringContaining('deeper'),
    });
    expect(parseWorkflow('w.yml', 'x'.repeat(600_000))).toMatchObject({
      fault: expect.stringContaining('larger'),
    });
  });

  test('inputs and schedules are read', () => {
    const parsed = parseWorkflow(
      'w.yml',
      'on:\n  schedule: [{cron: "0 1 * * *"}, {cron: "0 2 * * *", timezone: Asia/Tokyo}]\n  workflow_dispatch:\n    inputs:\n      n: {type: number, default: 3}\njobs: {a: {}}\n',
    );
    if ('fault' in parsed) throw new Error(parsed.fault);
    expect(schedules(parsed)).toEqual([
      { cron: '0 1 * * *', timezone: 'UTC' },
      { cron: '0 2 * * *', timezone: 'Asia/Tokyo' },
    ]);
    expect(dispatchInputs(parsed)).toEqual({
      n: { type: 'number', required: false, default: '3', options: [] },
    });
  });

  test('run names are rendered from their contexts', () => {
    const contexts = { inputs: { request_id: 'r-1' }, github: { event: { n: 2 } }, vars: {} };
    const template = "roundhouse @{{ inputs.request_id }} @{{ github.event.n == 2 && 'two' }}".replaceAll(
      '@',
      '$',
    );
    expect(renderRunName(template, contexts)).toBe('roundhouse r-1 two');
    expect(renderRunName('@{{ nonsense( }}'.replace('@', '$'), contexts)).toBeUndefined();
  });
});

test('the commands of a push are read from any cut of its bytes', () => {
  const [a, b] = ['1'.repeat(40), '2'.repeat(40)];
  const line = (text: string) => (text.length + 4).toString(16).padStart(4, '0') + text;
  const text = `${line(`${a} ${b} refs/heads/main\0 report-status\n`)}${line(`${a} ${b} refs/tags/x@v1`)}0000PACK`;
  const expected = [
    { before: a, after: b, ref: 'refs/heads/main' },
    { before: a, after: b, ref: 'refs/tags/x@v1' },
  ];
  expect(commands(Buffer.from(text))).toEqual(expected);
  for (let cut = 0; cut < text.length - 4; cut++)
    expect(commands(Buffer.from(text.slice(0, cut)))).toBeUndefined();
  expect(commands(Buffer.from('0000'))).toEqual([]);
  for (const bad of ['zzzz', '0003', '0002', line('push-cert\0'), line('nonsense')]) {
    expect(commands(Buffer.from(`${bad}0000`)), bad).toBe('malformed');
  }
});

test('signed addresses hold for their path and a minute', () => {
  const url = new URL(signedPath('secret', 'artifacts/7/archive.zip', 1000), 'http://localhost');
  const [until, signature] = [url.searchParams.get('until') ?? '', url.searchParams.get('signature') ?? ''];
  const path = 'artifacts/7/archive.zip';
  expect(isSigned('secret', { path, until, signature, now: 60_000 })).toBe(true);
  expect(isSigned('secret', { path, until, signature, now: 62_000 })).toBe(false);
  expect(isSigned('secret', { path: 'artifacts/8/archive.zip', until, signature, now: 2000 })).toBe(false);
  expect(isSigned('secret', { path, until: '99999999', signature, now: 2000 })).toBe(false);
});

describe('pages', () => {
  test('values are escaped', () => {
    expect(html`<b>${'<script>"\''}</b>`.html).toBe('<b>&lt;script&gt;&quot;&#39;</b>');
  });

  test.each([
    '<script>alert(1)</script>',
    '[x](javascript:alert(1))',
    '<img src=x onerror=alert(1)>',
    '<a href="data:text/html,x">x</a>',
    '<iframe src="http://example.org"></iframe>',
    '<style>*{display:none}</style>',
    '```mermaid\n</code></pre><script>alert(1)</script>\n```',
  ])('Markdown cannot act: %s', (text) => {
    const out = markdown(text).html;
    expect(out).not.toMatch(/<(script|iframe|style)|onerror=|href="(javascript|data):/i);
  });

  test('what GitHub shows is shown', () => {
    const out = markdown(
      '| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n- [ ] not\n\n<details><summary>more</summary>\n\n**bold**\n\n</details>\n<!-- hidden -->',
    ).html;
    expect(out).toContain('<td>1</td>');
    expect(out).toMatch(/<input type="checkbox" disabled(="")? checked(="")? ?\/?>/);
    expect(out).toContain('<details><summary>more</summary>');
    expect(out).toContain('<strong>bold</strong>');
    expect(out).not.toContain('hidden');
    expect(markdown('```mermaid\nxychart-beta\n```').html).toContain('Mermaid diagram');
  });
});

describe('state', () => {
  test('after any changes the journal gives back what memory held', async () => {
    const change = fc.record({ key: fc.constantFrom('a', 'b', 'c'), value: fc.option(fc.integer()) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        const dir = mkdtempSync(join(tmpdir(), 'state-'));
        try {
          const path = join(dir, 'journal.jsonl');
          const state = await openState(path);
          for (const { key, value } of changes) {
            if (value === null) state.remove('counters', key);
            else state.put('counters', key, { value });
          }
          const before = ['a', 'b', 'c'].map((key) => state.get('counters', key));
          await state.close();
          const again = await openState(path);
          expect(['a', 'b', 'c'].map((key) => again.get('counters', key))).toEqual(before);
          await again.close();
        } finally {
          rmSync(dir, { recursive: true, force: true });
        }
      }),
      { numRuns: 15 },
    );
  });

  test('changes of one turn stand in one line, all or nothing', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'state-'));
    const path = join(dir, 'journal.jsonl');
    const state = await openState(path);
    state.put('counters', 'one', { value: 1 });
    state.put('counters', 'two', { value: 2 });
    await state.committed();
    const { readFileSync } = await import('node:fs');
    const lines = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Change[]);
    expect(lines).toEqual([
      [
        ['counters', 'one', { value: 1 }],
        ['counters', 'two', { value: 2 }],
      ],
    ]);
    await state.close();
    rmSync(dir, { recursive: true, force: true });
  });
});
