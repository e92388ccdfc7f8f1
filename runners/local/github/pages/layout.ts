import type { Hub } from '../hub.ts';
import type { Repository } from '../rows/repository.ts';
import { type Html, html } from './html.ts';

/** What every page is made from. `params` as in the route. */
export type PageCall = {
  hub: Hub;
  repo: Repository;
  params: Record<string, string>;
  query: Record<string, string>;
  /** Who is signed in. */
  login: string | undefined;
  /** The page's own path, to come back to. */
  path: string;
};

export const STYLE = `
:root { color-scheme: light dark; --fg: #1f2328; --soft: #59636e; --bg: #fff; --panel: #f6f8fa; --line: #d1d9e0; --link: #0757ba; --good: #1a7f37; --bad: #c5221f; --warn: #8a5a00; --new: #dafbe1; --old: #ffebe9; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6edf3; --soft: #9aa5b1; --bg: #0d1117; --panel: #151b23; --line: #3d444d; --link: #6cb2ff; --good: #4bc063; --bad: #ff7b72; --warn: #e3b341; --new: #12381f; --old: #4a1c1f; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); }
a { color: var(--link); text-decoration: none; } a:hover, a:focus { text-decoration: underline; }
header { background: var(--panel); border-bottom: 1px solid var(--line); padding: 12px 24px 0; }
header h1 { font-size: 18px; font-weight: 600; margin: 0 0 8px; }
nav a { display: inline-block; padding: 6px 12px; color: inherit; } nav a[aria-current] { border-bottom: 2px solid var(--link); font-weight: 600; }
main { max-width: 1040px; margin: 24px auto; padding: 0 24px; }
h2 { margin: 0 0 8px; } .soft { color: var(--soft); } .number { color: var(--soft); font-weight: 300; }
.panel { border: 1px solid var(--line); border-radius: 6px; margin: 16px 0; overflow: hidden; }
.panel > h3, .panel > .head { margin: 0; padding: 8px 16px; background: var(--panel); border-bottom: 1px solid var(--line); font-size: 14px; font-weight: 600; }
.panel > .body { padding: 12px 16px; overflow-x: auto; }
.rows { list-style: none; margin: 0; padding: 0; } .rows li { padding: 8px 16px; border-top: 1px solid var(--line); } .rows li:first-child { border-top: 0; }
.event { color: var(--soft); padding: 2px 16px; margin: 8px 0; border-left: 2px solid var(--line); }
.badge { font-size: 13px; white-space: nowrap; color: var(--soft); }
.badge.success, .badge.open, .badge.APPROVED { color: var(--good); } .badge.failure, .badge.timed_out, .badge.closed, .badge.CHANGES_REQUESTED { color: var(--bad); } .badge.in_progress, .badge.queued, .badge.action_required { color: var(--warn); }
.label { border: 1px solid var(--line); border-radius: 999px; padding: 0 8px; font-size: 12px; }
.commit, code, pre { font: 13px/1.45 ui-monospace, Menlo, Consolas, monospace; }
pre { background: var(--panel); padding: 12px; overflow: auto; border-radius: 6px; margin: 8px 0; } pre code { background: none; padding: 0; } code { background: var(--panel); padding: 1px 4px; border-radius: 4px; }
table { border-collapse: collapse; margin: 8px 0; } th, td { border: 1px solid var(--line); padding: 4px 10px; text-align: left; }
.markdown { overflow-wrap: anywhere; } .markdown > :first-child { margin-top: 0; } .markdown > :last-child { margin-bottom: 0; } .markdown img { max-width: 100%; } .markdown li:has(> input) { list-style: none; margin-left: -20px; }
blockquote { margin: 8px 0; padding-left: 12px; border-left: 3px solid var(--line); color: var(--soft); } figure { margin: 8px 0; } figcaption { color: var(--soft); font-size: 13px; }
label { display: block; margin: 8px 0; } label > input, label > select, label > textarea { font: inherit; display: block; width: 100%; max-width: 720px; padding: 6px 8px; color: inherit; background: var(--bg); border: 1px solid var(--line); border-radius: 6px; }
button { font: inherit; padding: 4px 12px; margin: 4px 8px 4px 0; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; cursor: pointer; } button.primary { background: var(--good); border-color: var(--good); color: var(--bg); } button:disabled { opacity: 0.5; cursor: not-allowed; }
form.inline { display: inline-block; } form.inline label { display: inline-block; } .boxes li:has(> button.box) { list-style: none; margin-left: -24px; } button.box { background: none; border: 0; padding: 0 4px; margin: 0; font-size: 18px; line-height: 1; }
label.beside { display: inline; } fieldset { border: 1px solid var(--line); border-radius: 6px; margin: 8px 0; max-width: 720px; }
.edit { padding: 0 16px 8px; } .flash { border: 1px solid var(--bad); color: var(--bad); border-radius: 6px; padding: 8px 16px; } .who { float: right; font-size: 13px; } .who button { font-size: 13px; padding: 2px 8px; }
.diff { margin: 0; border-radius: 0; } .diff span { display: block; white-space: pre-wrap; } .diff .add { background: var(--new); } .diff .del { background: var(--old); } .diff .hunk { color: var(--soft); }
`;

const TABS = [
  ['', 'Code'],
  ['/issues', 'Issues'],
  ['/pulls', 'Pull requests'],
  ['/actions', 'Actions'],
  ['/releases', 'Releases'],
] as const;

export function document(title: string, header: Html, main: Html): string {
  return `<!doctype html>\n${
    html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><link rel="stylesheet" href="/_local/style.css"></head>
<body><header>${header}</header><main>${main}</main></body></html>`.html
  }\n`;
}

export function repositoryPage(call: PageCall, page: { title: string; tab: string; main: Html }): string {
  const { owner, name } = call.repo;
  const who = call.login
    ? html`<form method="post" action="/logout" class="who">${call.login} <button>Sign out</button></form>`
    : html`<a class="who" href="/login?return_to=${encodeURIComponent(call.path)}">Sign in</a>`;
  const header = html`${who}<h1><a href="/">${owner}</a> / <a href="/${owner}/${name}">${name}</a></h1>
<nav>${TABS.map(([path, label]) => html`<a href="/${owner}/${name}${path}"${path === page.tab ? html` aria-current="page"` : ''}>${label}</a>`)}</nav>`;
  return document(`${page.title} · ${owner}/${name}`, header, page.main);
}

/** A path inside of the repository, every part encoded. */
export function href(call: PageCall, ...parts: (string | number)[]): string {
  const path = parts.map((part) => String(part).split('/').map(encodeURIComponent).join('/'));
  return ['', call.repo.owner, call.repo.name, ...path].join('/');
}

export function commitLink(call: PageCall, sha: string): Html {
  return html`<a class="commit" href="${href(call, 'commit', sha)}">${sha.slice(0, 7)}</a>`;
}
