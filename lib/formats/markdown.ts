import Handlebars from 'handlebars';
import { formatInterval, formatNumber, formatPercent, formatSigned } from './numbers.ts';

/**
 * Any text as one inert line of GitHub Markdown: it renders to what it says and makes no link, mention, issue
 * reference, emoji, formula, table cell or HTML. Zero-width spaces break what GitHub links after Markdown is
 * done (mentions, references, bare addresses), because no escape reaches that far.
 */
export function escapeMarkdown(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_[\]|~$]/g, (mark) => `\\${mark}`)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/@(?=[\w-])/g, '@\u200b')
    .replace(/#(?=\d)/g, '#\u200b')
    .replace(/\bGH-(?=\d)/gi, (mark) => `${mark}\u200b`)
    .replace(/:(?=\/\/)/g, ':\u200b')
    .replace(/\bwww\./gi, (mark) => `${mark.slice(0, -1)}\u200b.`)
    .replace(/:(?=[\w+-]+:)/g, ':\u200b')
    .replace(/^([-+=#])(?=[-+=#\s]|$)/, '\\$1')
    .replace(/^(\d{1,9})([.)])(?=\s|$)/, '$1\\$2');
}

/** A text as inline code. Where a backtick or a table's pipe would end it, the HTML element carries it. */
export function inlineCode(text: string): string {
  const line = oneLine(text);
  if (line === '') return '–';
  return /[`|]/.test(line) ? `<code>${escapeMarkdown(line)}</code>` : `\`${line}\``;
}

/** A block of text as it is, in a fence longer than its longest run of backticks. */
export function fenced(text: string, language = ''): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${withoutControls(text)}\n${fence}`;
}

/** A mention of somebody whom the base policy names: everybody else is shown as code. */
export function mention(login: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,38}(\/[a-z0-9-]+)?$/.test(login) ? `@${login}` : inlineCode(login);
}

function oneLine(text: string): string {
  return withoutControls(text).replace(/\s+/g, ' ').trim();
}

/** Without control characters and those that hide or turn text around. */
function withoutControls(text: string): string {
  return text
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|(?![\n\t])\p{Cc}/gu, ' ')
    .replace(/\r/g, '');
}

const engine = Handlebars.create();
const raw = (text: string) => new Handlebars.SafeString(text);
engine.registerHelper({
  markdown: (value: unknown, name: unknown) => {
    if (value === undefined) throw new Error(`the view has no ${name}`);
    return value instanceof Handlebars.SafeString ? value : raw(escapeMarkdown(String(value ?? '')));
  },
  raw: (value: unknown) => raw(String(value)),
  code: (value: unknown) => raw(inlineCode(String(value ?? ''))),
  fenced: (value: unknown, language: unknown) =>
    raw(fenced(String(value ?? ''), typeof language === 'string' ? language : '')),
  mention: (value: unknown) => raw(mention(String(value))),
  short: (value: unknown) =>
    raw(
      inlineCode(
        String(value)
          .replace(/^sha256:/, '')
          .slice(0, 16),
      ),
    ),
  number: (value: unknown) => raw(formatNumber(value)),
  signed: (value: unknown) => raw(formatSigned(value)),
  percent: (value: unknown) => raw(formatPercent(value)),
  interval: (value: unknown) => raw(formatInterval(value)),
  eq: (a: unknown, b: unknown) => a === b,
  not: (value: unknown) => !value,
  verdictIcon: (value: unknown) => raw(VERDICT_ICONS[String(value)] ?? '➖'),
});

const VERDICT_ICONS: Record<string, string> = { passed: '✅', inconclusive: '⚠️', failed: '❌' };

const compiled = new Map<string, Handlebars.TemplateDelegate>();

/**
 * Renders a Handlebars template to Markdown. `{{value}}` is escaped for Markdown; `{{raw value}}` is for
 * Markdown that is safe already; triple braces are refused. A name that the view lacks is an error.
 * `partials` are templates that this one includes as `{{> name}}`.
 */
export function render(template: string, view: object, partials: Record<string, string> = {}): string {
  const parts = Object.entries(partials).map(([name, text]) => [name, compile(text)] as const);
  return compile(template)(view, { partials: Object.fromEntries(parts) })
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
    .concat('\n');
}

function compile(template: string): Handlebars.TemplateDelegate {
  const known = compiled.get(template);
  if (known) return known;
  const run = engine.compile(escapeByDefault(template), { noEscape: true, strict: true });
  compiled.set(template, run);
  return run;
}

/** Handlebars escapes for HTML, which leaves mentions and links alive: every plain mustache gets our escape. */
function escapeByDefault(template: string): hbs.AST.Program {
  const tree = engine.parse(template);
  const visitor = new Handlebars.Visitor();
  visitor.MustacheStatement = (statement: hbs.AST.MustacheStatement) => {
    if (!statement.escaped) throw new Error(`{{{ }}} at line ${statement.loc.start.line}: use {{raw value}}`);
    const { path, params, hash, loc } = statement;
    const isCall = params.length > 0 || (hash?.pairs.length ?? 0) > 0;
    const value: hbs.AST.Expression = isCall
      ? ({ type: 'SubExpression', path, params, hash, loc } as hbs.AST.SubExpression)
      : path;
    const name = 'original' in path ? String(path.original) : 'value';
    statement.path = {
      type: 'PathExpression',
      data: false,
      depth: 0,
      parts: ['markdown'],
      original: 'markdown',
      loc,
    } as hbs.AST.PathExpression;
    statement.params = [
      value,
      {
        type: 'StringLiteral',
        value: name,
        original: name,
        loc,
      } as hbs.AST.StringLiteral,
    ];
    statement.hash = { type: 'Hash', pairs: [], loc } as hbs.AST.Hash;
  };
  visitor.accept(tree);
  return tree;
}
