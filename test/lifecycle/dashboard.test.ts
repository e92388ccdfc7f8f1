import { describe, expect, it } from 'vitest';
import { checklistOf } from '#lib/lifecycle/checklist/checklist.ts';
import { boxesOf, stageBoard, stageOf } from '#lib/lifecycle/dashboard/board.ts';
import { boxId, renderBox, sameBody, tickedBox } from '#lib/lifecycle/dashboard/boxes.ts';
import type { DashboardFacts } from '#lib/lifecycle/dashboard/facts.ts';
import { recommendationsOf } from '#lib/lifecycle/dashboard/recommendations.ts';
import { digest } from '../formats/sample-evidence.ts';
import { NOW } from './checklist-facts.ts';
import { boardPull, fullBoard } from './dashboard-facts.ts';

const HEX = 'd'.repeat(16);
const RETRAIN = `- [ ] Look now <!-- roundhouse:box retrain bikes ${HEX} -->`;
const RECHECK = `- [ ] Plan #4 again <!-- roundhouse:box recheck bikes 4 ${HEX} -->`;
const BODY = ['<!-- roundhouse:dashboard bikes -->', 'Bikes', '', RETRAIN, RECHECK, ''].join('\n');
const ticked = (line: string) => line.replace('- [ ]', '- [x]');

describe('tickedBox', () => {
  it.each([
    ['a box', BODY.replace(RETRAIN, ticked(RETRAIN)), `retrain bikes ${HEX}`],
    ['another box', BODY.replace(RECHECK, ticked(RECHECK)), `recheck bikes 4 ${HEX}`],
    [
      'a box, by the page',
      BODY.replace(RETRAIN, ticked(RETRAIN)).replaceAll('\n', '\r\n'),
      `retrain bikes ${HEX}`,
    ],
    ['a box with a capital X', BODY.replace(RETRAIN, RETRAIN.replace('[ ]', '[X]')), `retrain bikes ${HEX}`],
    ['nothing', BODY, null],
    ['both boxes', BODY.replace(RETRAIN, ticked(RETRAIN)).replace(RECHECK, ticked(RECHECK)), null],
    ['a box and a word', BODY.replace(RETRAIN, ticked(RETRAIN)).replace('Bikes', 'Cars'), null],
    ['a word', BODY.replace('Bikes', 'Cars'), null],
    ['a box with another digest', BODY.replace(RETRAIN, ticked(RETRAIN).replace(HEX, 'e'.repeat(16))), null],
    ['a line more', `${BODY.replace(RETRAIN, ticked(RETRAIN))}\nmore`, null],
    ['a line that is no box of ours', BODY.replace('Bikes', '- [x] approve'), null],
  ])('%s', (_, after, found) => {
    expect(tickedBox(BODY, after)).toBe(found);
  });

  it('does not take back a tick as one', () => {
    expect(tickedBox(BODY.replace(RETRAIN, ticked(RETRAIN)), BODY)).toBeNull();
  });

  it.each(['approve', 'deploy', 'rollback'])('knows no box that would %s, whatever a body says', (action) => {
    const line = `- [ ] Go <!-- roundhouse:box ${action} bikes ${HEX} -->`;
    const found = tickedBox(BODY.replace(RETRAIN, line), BODY.replace(RETRAIN, ticked(line)));
    expect(boxesOf(fullBoard()).map(boxId)).not.toContain(found);
  });

  it('finds what was rendered again, and tells bodies apart by what they say', () => {
    const [box] = boxesOf(fullBoard());
    if (!box) throw new Error('a served version has a box');
    const line = renderBox(box, 'Look at `-->` now');
    expect(tickedBox(line, ticked(line))).toBe(boxId(box));
    expect(sameBody(BODY, `${BODY.replaceAll('\n', '\r\n')}\r\n`)).toBe(true);
    expect(sameBody(BODY, BODY.replace('Bikes', 'Cars'))).toBe(false);
  });
});

describe('boxesOf', () => {
  it('offers to retrain what serves, and to check open pull requests again', () => {
    expect(boxesOf({ ...fullBoard(), pulls: [boardPull()] }).map(boxId)).toEqual([
      `retrain bikes ${HEX}`,
      `recheck bikes 7 ${'1'.repeat(16)}`,
    ]);
  });

  it.each<[string, Partial<DashboardFacts>]>([
    ['nothing serves', { environments: [{ name: 'production', version: null, rollout: null }] }],
    ['a retraining is open', { pulls: [boardPull({ isRetraining: true })] }],
  ])('offers no retraining while %s', (_, change) => {
    const boxes = boxesOf({ ...fullBoard(), ...change });
    expect(boxes.filter(({ action }) => action === 'retrain')).toEqual([]);
  });
});

describe('the stage board', () => {
  const states = (board: DashboardFacts) => stageBoard(board, NOW).map(({ state }) => state);

  it('says which stages are done, and which goes on', () => {
    expect(stageOf(fullBoard())).toBe('monitoring');
    expect(states(fullBoard())).toEqual(['done', 'done', 'done', 'done', 'now', 'open']);
    const retraining = { ...fullBoard(), pulls: [boardPull({ isRetraining: true })] };
    expect(states(retraining)).toEqual(['done', 'done', 'done', 'done', 'now', 'now']);
    expect(states(emptyBoard())).toEqual(['now', 'open', 'open', 'open', 'open', 'open']);
  });

  it('calls overdue what is not done on its day', () => {
    const timeline = [
      { stage: 'data', due: '2026-02-01' },
      { stage: 'Model', due: '2026-02-28' },
      { stage: 'monitoring', due: '2026-12-31' },
    ];
    const late = emptyBoard();
    late.facts = { ...late.facts, problem: { ...late.facts.problem, timeline } };
    const overdue = stageBoard(late, NOW).filter((stage) => stage.overdue);
    expect(overdue.map(({ stage, due }) => [stage, due])).toEqual([
      ['Data engineering', '2026-02-01'],
      ['Model development', '2026-02-28'],
    ]);
    const full = fullBoard();
    full.facts = { ...full.facts, problem: { ...full.facts.problem, timeline } };
    expect(stageBoard(full, NOW).filter((stage) => stage.overdue)).toEqual([]);
  });
});

function emptyBoard(): DashboardFacts {
  const board = fullBoard();
  const facts = {
    ...board.facts,
    approvals: [],
    newest: null,
    windows: [],
    rollouts: [],
    versions: [],
    judged: [],
    retrainings: [],
    lock: null,
    documents: [],
  };
  return {
    ...board,
    facts,
    checklist: checklistOf(facts, NOW),
    environments: [{ name: 'production', version: null, rollout: null }],
    versions: [],
    locked: null,
  };
}

describe('recommendations', () => {
  const texts = (board: DashboardFacts, now = NOW) => recommendationsOf(board, now).map(({ text }) => text);

  it('are empty without evidence', () => {
    expect(recommendationsOf(emptyBoard(), NOW)).toEqual([]);
  });

  it('each name the evidence that they come from', () => {
    const found = recommendationsOf(fullBoard(), NOW);
    expect(found[0]?.text).toContain('Retrain');
    expect(found[0]?.evidence).toMatchObject({ at: { kind: 'window' }, digest: digest('b') });
  });

  it('do not ask for a retraining that is open', () => {
    const board = { ...fullBoard(), pulls: [boardPull({ isRetraining: true })] };
    expect(texts(board).join()).not.toContain('Retrain:');
  });

  it('say when the monitor has stopped', () => {
    expect(texts(fullBoard(), new Date('2026-03-05T10:00:00Z')).join()).toContain('the monitor has stopped');
  });

  it('speak of drift only where errors do not', () => {
    const board = fullBoard();
    const drifted = (decay: 'passed' | 'failed') => ({
      ...board,
      facts: {
        ...board.facts,
        windows: board.facts.windows.map(({ record, result }) => ({
          record: { ...record, decay },
          result: result && {
            ...result,
            drift: result.drift.map((column) => ({ ...column, verdict: 'drifted' as const })),
          },
        })),
      },
    });
    expect(texts(drifted('passed')).join()).toContain('inputs that have drifted, before they cost: temp');
    expect(texts(drifted('failed')).join()).not.toContain('drifted');
  });
});
