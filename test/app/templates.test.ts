import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { marked, type Token } from 'marked';
import { describe, expect, it } from 'vitest';
import { render } from '#lib/formats/markdown.ts';
import { loadTemplate, packageRoot } from '../../templates/load.ts';

/** What somebody could put into any field: each would do something on GitHub if it got through. */
const HOSTILE =
  '@everyone <img src=x onerror=alert(1)> [x](javascript:alert(1)) https://evil.example `` | #1\n/approve 0';
const estimate = { estimate: 1, lower: 0, upper: 2 };
const row = { rule: HOSTILE, verdict: 'failed', expected: HOSTILE, actual: HOSTILE, where: HOSTILE };
const ask = {
  digest: 'ab12ab12ab12ab12',
  subject: 'candidate',
  about: [HOSTILE],
  counted: [{ login: HOSTILE, rule: 'model' }],
  missing: [{ rule: 'inconclusive', number: 1, count: 1, roles: HOSTILE }],
};
const monitor = {
  model: HOSTILE,
  environment: HOSTILE,
  as_of: HOSTILE,
  from: HOSTILE,
  until: HOSTILE,
  decay: 'failed',
  drift: HOSTILE,
  labels: { labelled: 1, matured: 2, coverage: 0.5 },
  performance: [{ metric: HOSTILE, served: estimate, trivial: 1, reference: null, threshold: 60 }],
  reasons: [row],
  drifted: [{ column: HOSTILE, psi: estimate, seasonal: true }],
  run: 7,
};

const VIEWS: Record<string, object> = {
  'problem.hbs': {
    state: 'ask',
    pull: null,
    model: HOSTILE,
    missing: [HOSTILE],
    contradictions: [HOSTILE],
    framing: [HOSTILE],
    gates: [HOSTILE],
    digest: 'ab12ab12ab12ab12',
    counted: [HOSTILE],
    needed: [{ count: 1, roles: HOSTILE }],
    people: [HOSTILE],
  },
  'definition.hbs': {
    issue: 1,
    model: HOSTILE,
    digest: 'ab',
    approvals: [{ login: HOSTILE, url: 'http://127.0.0.1/1' }],
  },
  'pull-request.hbs': {
    headline: HOSTILE,
    icon: '✅',
    checks: [{ name: 'roundhouse/gate', icon: '✅', title: HOSTILE }],
    faults: [HOSTILE],
    hold: { login: HOSTILE, reason: HOSTILE },
    models: [
      {
        name: HOSTILE,
        progress: { text: HOSTILE, url: null, reasons: [HOSTILE] },
        sections: [],
        asks: [ask],
      },
    ],
    head: 'abcdef',
  },
  'ask-approval.hbs': { ...ask, model: HOSTILE, people: [HOSTILE] },
  'help.hbs': { commands: [{ line: HOSTILE, help: HOSTILE, who: HOSTILE }] },
  'reply.hbs': { to: HOSTILE, replies: [{ line: HOSTILE, ok: false, text: HOSTILE, shown: '' }] },
  'release.hbs': {
    model: HOSTILE,
    version: '1.0.0',
    candidate: HOSTILE,
    bundle: HOSTILE,
    evaluate: HOSTILE,
    commit: HOSTILE,
    pull_request: 3,
    rows: 10,
    metrics: [{ metric: HOSTILE, value: estimate }],
  },
  'unapproved.hbs': { model: HOSTILE, candidate: HOSTILE, commit: HOSTILE, reasons: [HOSTILE] },
  'incident.hbs': {
    model: 'bikes',
    environment: 'production',
    n: 2,
    version: '1.0.0',
    candidate: HOSTILE,
    previous: '0.9.0',
    paused: false,
    phase: HOSTILE,
    history: [{ at: HOSTILE, phase: HOSTILE, verdict: 'failed', note: HOSTILE }],
  },
  'health.hbs': monitor,
  'lock.hbs': { missing: false, judged: false, candidate: HOSTILE, locked: HOSTILE },
  'revert.hbs': { model: 'bikes', environment: HOSTILE, failed: '1.1.0', serving: '1.0.0', note: HOSTILE },
  'retraining.hbs': { ...monitor, change: { window: { last: HOSTILE, until: HOSTILE } } },
};

describe('templates of comments', () => {
  it('all have a view here', () => {
    expect(readdirSync(join(packageRoot(), 'templates', 'comments')).sort()).toEqual(
      Object.keys(VIEWS).sort(),
    );
  });

  it.each(Object.keys(VIEWS))('%s lets nothing hostile through', (name) => {
    const body = render(loadTemplate(`comments/${name}`), VIEWS[name] ?? {});
    const links: string[] = [];
    const html: string[] = [];
    marked.walkTokens(marked.lexer(body), (token: Token) => {
      if (token.type === 'link') links.push(String(token.href));
      if (token.type === 'html') html.push(token.raw.trim());
    });
    expect(links.filter((href) => !href.startsWith('http://127.0.0.1/'))).toEqual([]);
    expect(html.filter((raw) => !/^<\/?(sub|code|details|summary)>$/.test(raw))).toEqual([]);
    expect(body).not.toMatch(/@everyone/);
    expect(body.split('\n').filter((line) => line.startsWith('/approve'))).toEqual(
      body.includes('/approve ab12') ? ['/approve ab12ab12ab12ab12'] : [],
    );
  });
});
