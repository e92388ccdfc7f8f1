import fc from 'fast-check';
import { marked, type Token } from 'marked';
import { describe, expect, test } from 'vitest';
import { escapeMarkdown, fenced, inlineCode, mention, render } from '#lib/formats/markdown.ts';

/** Everything GitHub would make of a text beyond plain words. */
function marksIn(markdown: string): string[] {
  const found: string[] = [];
  marked.walkTokens(marked.lexer(markdown, { gfm: true }), (token: Token) => {
    if (!['paragraph', 'text', 'escape', 'space', 'table'].includes(token.type)) found.push(token.type);
    if (token.type !== 'text' || ('tokens' in token && token.tokens)) return;
    for (const [kind, pattern] of LINKED_LATER) if (pattern.test(token.raw)) found.push(kind);
  });
  return found;
}

/** What GitHub links in plain text after Markdown is done. */
const LINKED_LATER: [string, RegExp][] = [
  ['mention', /@[A-Za-z0-9]/],
  ['reference', /#\d/],
  ['reference', /\bGH-\d/i],
  ['address', /:\/\//],
  ['address', /\bwww\./i],
  ['emoji', /:[\w+-]+:/],
  ['formula', /(?<!\\)\$/],
];

const hostile = [
  '@acme/ml-lead please look',
  'mail me@example.org',
  '[click](javascript:alert(1))',
  '![x](https://evil.example/x.png)',
  '<img src=x onerror=alert(1)>',
  '<!-- roundhouse:sticky 1 -->',
  '</details><details open>',
  'https://evil.example and www.evil.example',
  'fixes #1, GH-12, acme/bikes#3',
  ':shipit: :+1:',
  '**bold** __bold__ ~~gone~~ `code`',
  '$\\frac{1}{0}$',
  'a | b | c',
  '| --- | --- |',
  'one\n\n# heading\n- list\n> quote\n```\nfence',
  '# heading',
  '- item',
  '1. item',
  '---',
  '===',
  '&lt;b&gt; &#64;acme',
  '[ref]: https://evil.example',
  '[^1]',
  '\u202etxt.exe',
  '@\u200bacme',
  '\\@acme \\[a](b)',
  'a\\',
];

describe('the escape', () => {
  test.each(hostile)('%j is plain words', (text) => {
    expect(marksIn(escapeMarkdown(text))).toEqual([]);
    expect(marksIn(`| x | y |\n| --- | --- |\n| ${escapeMarkdown(text)} | end |`)).toEqual([]);
  });

  test('in a table it stays one cell', () => {
    for (const text of hostile) {
      const [table] = marked.lexer(`| x | y |\n| --- | --- |\n| ${escapeMarkdown(text)} | end |\n`);
      if (table?.type !== 'table') throw new Error('the table is gone');
      expect(table.rows.map((row: unknown[]) => row.length)).toEqual([2]);
      expect(table.rows[0][1].text).toBe('end');
    }
  });

  test('any text is plain words', () => {
    const pieces = fc.array(
      fc.constantFrom(...hostile, '@', '#1', '<', '`', '|', '\n', '_', '*', ' ', '://', '&', '[', ']('),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((all) => all.join('')),
        ),
        (text) => {
          expect(marksIn(escapeMarkdown(text))).toEqual([]);
        },
      ),
    );
  });

  test('harmless text is left readable', () => {
    expect(escapeMarkdown('MAE at most 60, rows 2011-12-04 to 2011-12-31 (28 days)')).toBe(
      'MAE at most 60, rows 2011-12-04 to 2011-12-31 (28 days)',
    );
  });
});

test.each([
  ['wind_speed', '`wind_speed`'],
  ['a|b', '<code>a\\|b</code>'],
  ['a`b', '<code>a\\`b</code>'],
  ['a\nb', '`a b`'],
  ['', '–'],
])('inline code of %j', (text, expected) => {
  expect(inlineCode(text)).toBe(expected);
});

test('a fence is longer than any run of backticks inside', () => {
  const text = 'before\n`````\n@acme\n`````';
  const tokens = marked.lexer(fenced(text, 'yaml'));
  expect(tokens.map(({ type }) => type)).toEqual(['code']);
  expect(tokens[0]).toMatchObject({ text, lang: 'yaml' });
});

test('only a login is mentioned', () => {
  expect(mention('acme/leads')).toBe('@acme/leads');
  expect(mention('lea] <b>')).toBe('`lea] <b>`');
});

describe('templates', () => {
  test('a value is escaped, raw is not, and helpers escape on their own', () => {
    const view = { a: '<b>@x</b>', s: '**safe**', d: `sha256:${'a'.repeat(64)}`, n: 0.12345 };
    expect(render('{{a}} {{raw s}} {{short d}} {{number n}} {{percent n}}', view)).toBe(
      '&lt;b&gt;@\u200bx&lt;/b&gt; **safe** `aaaaaaaaaaaaaaaa` 0.123 12.3 %\n',
    );
  });
  test('values in loops, conditions and partials are escaped too', () => {
    const view = { rows: [{ name: '@x' }], on: true };
    const text = '{{#if on}}{{#each rows}}{{name}} {{> part}}{{/each}}{{/if}}';
    expect(render(text, view, { part: '({{name}})' })).toBe('@\u200bx (@\u200bx)\n');
  });
  test('triple braces and unknown names are errors', () => {
    expect(() => render('{{{a}}}', { a: 1 })).toThrow(/use \{\{raw value\}\}/);
    expect(() => render('{{gone}}', {})).toThrow(/the view has no gone/);
  });
  test('a value cannot be a template', () => {
    expect(render('{{a}}', { a: '{{b}}', b: 'secret' })).not.toContain('secret');
    expect(() => render('{{lookup a "__proto__"}}', { a: {} })).toThrow();
    expect(() => render('{{a.constructor.name}}', { a: {} })).toThrow();
  });
});
