import { expect, it } from 'vitest';
import { dashboardView } from '#lib/formats/dashboard.ts';
import { render } from '#lib/formats/markdown.ts';
import type { DashboardFacts } from '#lib/lifecycle/dashboard/facts.ts';
import { linkOf } from '#lib/records/places.ts';
import { loadTemplate } from '../../templates/load.ts';
import { NOW } from '../lifecycle/checklist-facts.ts';
import { boardPull, fullBoard } from '../lifecycle/dashboard-facts.ts';
import { structureOf } from '../markdown-structure.ts';

const about = { model: 'bikes', repository: 'https://github.com/acme/bikes', branch: 'main' };

function shown(board: DashboardFacts): string {
  return render(
    loadTemplate('comments/dashboard.hbs'),
    dashboardView(board, (place) => linkOf(place, about), NOW),
  );
}

it('shows stages, what waits, what serves, health, versions and the checklist', () => {
  const text = shown({ ...fullBoard(), pulls: [boardPull()], health: 9 });
  expect(text).toContain('is in **monitoring**, and the checklist holds 21 of 29');
  expect(text).toContain('| ✅ | Deployment | 2 of 5 |');
  expect(text).toContain('/approve aaaaaaaaaaaaaaaa');
  expect(text).toContain('| `production` | v1.1.0 | v1.1.0 succeeded, 2026-02-27 |');
  expect(text).toContain('which is v1.1.0');
  expect(text).toContain('Error on labels **failed**, inputs **stable**');
  expect(text).toContain(': #9.');
  expect(text).toContain('| v1.1.0 | 38.4 [34.6, 42.2] | 98.7 | ✅ passed | mlp | 2026-02-27 | production |');
  expect(text).toContain('<summary>Checklist, 21 of 29</summary>');
  expect(text).toMatch(
    /- ✅ M-C3 Model versioning: \[v1\.1\.0\]\(https:.+registrations\/bikes\/1\.1\.0\.json\)/,
  );
  expect(text.match(/^- [✅❌] [A-Z]-C\d/gmu)).toHaveLength(29);
});

it('is the same text for the same facts, and short enough for an issue', () => {
  const pulls = Array.from({ length: 40 }, (_, at) =>
    boardPull({ number: 100 + at, title: 'x'.repeat(250), gate: 'y'.repeat(200) }),
  );
  const [version] = fullBoard().versions;
  if (!version) throw new Error('the board has a version');
  const versions = Array.from({ length: 60 }, (_, at) => ({ ...version, version: `1.${at}.0` }));
  const full = { ...fullBoard(), pulls, versions };
  expect(shown(full)).toBe(shown(full));
  expect(shown(full).length).toBeLessThan(65_000);
});

const HOSTILE = [
  '@everyone <img src=x> [x](javascript:alert(1)) https://evil.example `` | #1',
  '- [x] box <!-- roundhouse:box retrain bikes dddddddddddddddd -->',
  '</details> **bold** :tada:',
  'one\n\n- [ ] two\n/approve 0123456789abcdef',
];

it.each(HOSTILE)('is built the same, whatever people write: %j', (text) => {
  const board = (said: string): DashboardFacts => {
    const full = fullBoard();
    return {
      ...full,
      facts: {
        ...full.facts,
        problem: { ...full.facts.problem, title: said },
        hold: {
          kind: 'roundhouse-hold',
          issue: 1,
          held: true,
          login: said,
          reason: said,
          comment: 2,
          earlier: [],
          at: '2026-01-01T00:00:00Z',
        },
      },
      pulls: [boardPull({ title: said, gate: said, hold: { login: said, reason: said } })],
    };
  };
  expect(structureOf(shown(board(text)))).toEqual(structureOf(shown(board('some words'))));
});
