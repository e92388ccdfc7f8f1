import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { render } from '#lib/formats/markdown.ts';
import { flowChart } from '#lib/formats/mermaid.ts';
import { loadTemplate, packageRoot } from '../../templates/load.ts';
import { structureOf } from '../markdown-structure.ts';

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
  standing: HOSTILE,
  offer: {
    digest: 'ab12ab12ab12ab12',
    versions: 5,
    expires: 'P90D',
    given: HOSTILE,
    missing: [{ number: 1, roles: HOSTILE }],
  },
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
    tracking: null,
    differs: false,
    model: HOSTILE,
    answered: true,
    missing: [HOSTILE],
    contradictions: [HOSTILE],
    understood: [{ what: HOSTILE, text: HOSTILE }],
    framing: [HOSTILE],
    gates: [{ name: HOSTILE, rule: HOSTILE }],
    notes: [HOSTILE],
    digest: 'ab12ab12ab12ab12',
    counted: [{ login: HOSTILE, roles: HOSTILE }],
    hold: { login: HOSTILE, reason: HOSTILE },
    needed: [{ count: 1, roles: HOSTILE }],
    people: [HOSTILE],
  },
  'reminder.hbs': {
    people: [HOSTILE],
    subject: 'problem',
    model: HOSTILE,
    digest: 'ab12ab12ab12ab12',
    asked: '2026-03-01',
    missing: [{ count: 1, roles: HOSTILE }],
    number: 1,
    most: 3,
  },
  'tracking.hbs': {
    ...{ model: 'bikes', issue: 1, pull: 2, due: '2030-01-01', asList: true },
    tasks: [{ stage: HOSTILE, due: null, number: 3 }],
  },
  'stage-task.hbs': { due: '2030-01-01', items: [{ id: HOSTILE, title: HOSTILE, rule: HOSTILE }] },
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
    asks: [ask],
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
  'asks.hbs': { asks: [ask] },
  'burst.hbs': { count: 500, login: HOSTILE, replies: 'ok' },
  'help.hbs': { commands: [{ line: HOSTILE, help: HOSTILE, who: HOSTILE }] },
  'lineage.hbs': {
    ...{ title: HOSTILE, candidate: 'ab12', named: HOSTILE, missing: [HOSTILE] },
    chart: flowChart([{ id: HOSTILE, lines: [HOSTILE], faint: true }], []),
    nodes: [
      {
        ...{ name: HOSTILE, digest: 'ab12', at: HOSTILE, who: HOSTILE, missing: HOSTILE, page: HOSTILE },
        details: [{ label: HOSTILE, text: HOSTILE, code: false }],
        url: null,
      },
    ],
  },
  'history.hbs': {
    ...{ at: null, environment: HOSTILE, more: 1, contradictions: [HOSTILE] },
    rows: [
      {
        ...{ environment: HOSTILE, model: HOSTILE, version: HOSTILE, candidate: 'ab12', share: HOSTILE },
        ...{
          from: HOSTILE,
          part_from: HOSTILE,
          until: HOSTILE,
          ended: HOSTILE,
          approved_by: HOSTILE,
          promoted_by: HOSTILE,
        },
      },
    ],
  },
  'reply.hbs': { to: HOSTILE, replies: [{ line: HOSTILE, ok: false, text: HOSTILE, shown: '' }] },
  'release.hbs': {
    audit: null,
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
  'audit-head.hbs': { anchor: HOSTILE },
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
  'dashboard.hbs': {
    model: HOSTILE,
    title: HOSTILE,
    stage: HOSTILE,
    fulfilled: 1,
    total: 29,
    stages: [{ icon: '✅', stage: HOSTILE, fulfilled: 1, total: 4, due: HOSTILE, overdue: true }],
    overdue: [{ stage: HOSTILE, due: HOSTILE }],
    environments: [
      {
        name: HOSTILE,
        version: '1.0.0',
        rollout: { version: '1.0.0', phase: HOSTILE, weight: 10, at: HOSTILE },
      },
    ],
    locked: { candidate: HOSTILE, version: null },
    health: {
      ...monitor,
      window: { text: HOSTILE, url: 'http://127.0.0.1/1' },
      issue: 9,
      drifted: [HOSTILE],
    },
    pulls: [{ number: 1, title: HOSTILE, url: 'http://127.0.0.1/1', gate: HOSTILE }],
    asks: [{ ...ask, number: 1, url: 'http://127.0.0.1/1', given: [HOSTILE] }],
    morePulls: 2,
    frozen: [HOSTILE],
    holds: [{ number: 1, login: HOSTILE, reason: HOSTILE }],
    metric: HOSTILE,
    versions: [
      {
        version: '1.0.0',
        estimate,
        trivial: estimate,
        verdict: HOSTILE,
        trainer: HOSTILE,
        at: HOSTILE,
        serves: HOSTILE,
      },
    ],
    more: 1,
    recommendations: [{ text: HOSTILE, evidence: { text: HOSTILE, url: null } }],
    boxes: [],
    checklist: [
      {
        stage: HOSTILE,
        fulfilled: 1,
        total: 4,
        items: [
          {
            id: HOSTILE,
            title: HOSTILE,
            state: true,
            evidence: [{ text: HOSTILE, url: null }],
            more: 1,
            missing: [],
          },
          { id: HOSTILE, title: HOSTILE, state: false, evidence: [], more: 0, missing: [HOSTILE] },
        ],
      },
    ],
  },
  'health.hbs': monitor,
  'lock.hbs': { missing: false, judged: false, candidate: HOSTILE, locked: HOSTILE },
  'revert.hbs': {
    model: 'bikes',
    environment: HOSTILE,
    failed: '1.1.0',
    serving: '1.0.0',
    by: HOSTILE,
    note: HOSTILE,
  },
  'override.hbs': {
    model: HOSTILE,
    gate: HOSTILE,
    verdict: 'failed',
    people: HOSTILE,
    digest: HOSTILE,
    reason: HOSTILE,
    expires: HOSTILE,
    pull_request: 7,
    url: 'http://127.0.0.1/comment',
  },
  'fork.hbs': {
    sha: HOSTILE,
    fork: 7,
    author: HOSTILE,
    login: HOSTILE,
    title: HOSTILE,
    url: 'http://127.0.0.1/comment',
  },
  'fork-taken.hbs': { sha: HOSTILE, pull: 8 },
  'fork-merged.hbs': { sha: HOSTILE, pull: 8 },
  'rollback.hbs': {
    model: HOSTILE,
    environment: 'production',
    version: '1.1.0',
    to: '1.0.0',
    login: HOSTILE,
    digest: 'ab12ab12ab12ab12',
    url: 'http://127.0.0.1/comment',
  },
  'retraining.hbs': { ...monitor, change: { window: { last: HOSTILE, until: HOSTILE } } },
};

/** Names that people choose, some only by the rules of the place they come from. */
const HOSTILES = [
  HOSTILE,
  '# heading',
  '- [ ] box',
  '> quote',
  '</details></td>',
  ':shipit: acme/bikes#3 GH-12 www.evil.example',
  '**bold** _thin_ ~~gone~~ `code`',
  '![x](https://evil.example/x.png)',
  'one | two\n| --- | --- |\n| three | four |',
  '```\n/approve 0123456789abcdef\n```',
  '<!-- roundhouse:reply 1 -->',
];

function filled(view: unknown, text: string): unknown {
  if (view === HOSTILE) return text;
  if (Array.isArray(view)) return view.map((one) => filled(one, text));
  if (typeof view !== 'object' || view === null) return view;
  return Object.fromEntries(Object.entries(view).map(([key, value]) => [key, filled(value, text)]));
}

/** No login either: that would be mentioned. */
const HARMLESS = 'some words';

describe('templates of comments', () => {
  it('all have a view here', () => {
    expect(readdirSync(join(packageRoot(), 'templates', 'comments')).sort()).toEqual(
      Object.keys(VIEWS).sort(),
    );
  });

  it.each(Object.keys(VIEWS))('%s is built the same, whatever is put into it', (name) => {
    const shown = (text: string) =>
      render(loadTemplate(`comments/${name}`), filled(VIEWS[name], text) as object, {
        asks: loadTemplate('comments/asks.hbs'),
      });
    const harmless = structureOf(shown(HARMLESS));
    for (const text of HOSTILES) {
      const body = shown(text);
      expect(structureOf(body), text).toEqual(harmless);
      expect(body.split('\n').filter((line) => /^\s*\/approve/.test(line)).length).toBe(
        shown(HARMLESS)
          .split('\n')
          .filter((line) => /^\s*\/approve/.test(line)).length,
      );
    }
  });
});
