import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CHECKLIST, checklistOf } from '#lib/lifecycle/checklist/checklist.ts';
import type { ChecklistFacts, NewestVersion } from '#lib/lifecycle/checklist/facts.ts';
import { fullFacts, NOW, rolledBackHistory, rollout, windowRecord } from './checklist-facts.ts';

type Without = (facts: ChecklistFacts) => ChecklistFacts;

/** What has no place on record yet: these items are false whatever there is, and say so. */
const NOT_YET = ['D-C2', 'S-C1', 'S-C3', 'S-C5', 'F-C2', 'F-C3', 'R-C1', 'R-C5'];

function itemOf(facts: ChecklistFacts, id: string, now = NOW) {
  const items = checklistOf(facts, now).stages.flatMap((stage) => stage.items);
  const found = items.find((item) => item.id === id);
  if (!found) throw new Error(`there is no item ${id}`);
  return found;
}

function newest(change: (newest: NewestVersion) => Partial<NewestVersion>): Without {
  return (facts) => ({ ...facts, newest: facts.newest && { ...facts.newest, ...change(facts.newest) } });
}

function evaluate(change: (was: NewestVersion['evaluate']) => Partial<NewestVersion['evaluate']>): Without {
  return newest((was) => ({ evaluate: { ...was.evaluate, ...change(was.evaluate) } }));
}

const unsure = { estimate: -1, lower: -4, upper: 2 };
const unknown = { estimate: -1, lower: null, upper: null };
const withoutVersion: Without = (facts) => ({ ...facts, newest: null, versions: [], lock: null });
const later = (days: number) => new Date(NOW.getTime() + days * 86_400_000);

/** What each item is without: every one of these alone makes it false. */
const WITHOUT: Record<string, Without[]> = {
  'P-C1': [(facts) => ({ ...facts, approvals: [] })],
  'P-C2': [withoutVersion, evaluate(({ gates }) => ({ gates: gates.slice(1) }))],
  'P-C3': [withoutVersion, ...[unsure, unknown].map(againstTrivial)],
  'P-C4': [
    (facts) => ({ ...facts, approvals: [] }),
    (facts) => ({ ...facts, approvals: facts.approvals.map((one) => ({ ...one, roles: ['visitor'] })) }),
    (facts) => ({ ...facts, hold: held(true) }),
  ],
  'D-C1': [
    withoutVersion,
    newest(({ data }) => ({ data: { ...data, sources: data.sources.slice(1) } })),
    newest(({ data }) => ({ data: { ...data, sources: data.sources.map((one) => ({ ...one, rows: 0 })) } })),
  ],
  'D-C3': [
    withoutVersion,
    (facts) => ({
      ...facts,
      data: { ...facts.data, contract: { ...facts.data.contract, columns: {} } },
    }),
    newest(({ data }) => ({ data: { ...data, contract: { ...data.contract, verdict: 'inconclusive' } } })),
  ],
  'D-C4': [
    withoutVersion,
    evaluate(({ gates }) => ({ gates: gates.filter(({ kind }) => kind !== 'skew') })),
    evaluate(({ gates }) => ({ gates: gates.map((gate) => ({ ...gate, verdict: 'inconclusive' })) })),
    evaluate(({ signature }) => ({ signature: { ...signature, inputs: signature.inputs.slice(1) } })),
  ],
  'D-C5': [withoutVersion, (facts) => ({ ...facts, lock: facts.lock && { ...facts.lock, data: other } })],
  'M-C1': [
    withoutVersion,
    newest(({ train }) => ({ train: train.slice(1) })),
    evaluate(({ search }) => ({ search: search.slice(1) })),
  ],
  'M-C2': [withoutVersion, evaluate(({ recent }) => ({ recent: { ...recent, comparisons: [] } }))],
  'M-C3': [withoutVersion, (facts) => ({ ...facts, versions: facts.versions.slice(0, 1) })],
  'M-C4': [
    withoutVersion,
    (facts) => ({ ...facts, documents: facts.documents.slice(1) }),
    (facts) => ({ ...facts, documents: facts.documents.slice(0, 1) }),
  ],
  'M-C5': [
    withoutVersion,
    againstTrivial(unknown),
    evaluate(({ recent }) => ({
      recent: {
        ...recent,
        comparisons: recent.comparisons.map((one) => ({ ...one, candidate_minus_champion: null })),
      },
    })),
  ],
  'S-C2': [
    (facts) => ({ ...facts, rollouts: [] }),
    (facts) => ({ ...facts, rollouts: [rollout({ history: [] })] }),
    (facts) => ({ ...facts, rollouts: [rollout({ history: byHand() })] }),
  ],
  'S-C4': [(facts) => ({ ...facts, rollouts: [rollout()] })],
  'F-C1': [
    (facts) => ({ ...facts, windows: [] }),
    (facts) => ({ ...facts, schedule: null }),
    inWindow({ performance: [] }),
  ],
  'F-C4': [
    (facts) => ({ ...facts, windows: [] }),
    inWindow({ labels: { matured: 100, labelled: 10, coverage: 0.1, state: 'ready' } }),
    inWindow({ labels: { matured: 100, labelled: 100, coverage: 1, state: 'pending' } }),
  ],
  'F-C5': [
    (facts) => ({ ...facts, windows: [] }),
    (facts) => ({ ...facts, problem: { ...facts.problem, value: null } }),
    inWindow({ value: null }),
  ],
  'R-C2': [(facts) => ({ ...facts, retrainings: [] }), (facts) => ({ ...facts, judged: [] })],
  'R-C3': [
    withoutVersion,
    evaluate(() => ({ gates: [] })),
    newest(({ data, evaluate: { recent } }) => ({
      data: { ...data, parts: { ...data.parts, validation: recent.part } },
    })),
  ],
  'R-C4': [(facts) => ({ ...facts, retrainings: [] }), (facts) => ({ ...facts, rollouts: [] })],
};

const other = `sha256:${'9'.repeat(64)}` as const;

function againstTrivial(estimate: { estimate: number; lower: number | null; upper: number | null }): Without {
  return evaluate(({ recent }) => ({
    recent: {
      ...recent,
      comparisons: recent.comparisons.map((one) => ({ ...one, candidate_minus_trivial: estimate })),
    },
  }));
}

function inWindow(change: object): Without {
  return (facts) => ({
    ...facts,
    windows: facts.windows.map(({ record, result }) => ({
      record,
      result: result && { ...result, ...change },
    })),
  });
}

function held(isHeld: boolean) {
  return {
    kind: 'roundhouse-hold' as const,
    issue: 1,
    held: isHeld,
    login: 'ml-lead',
    reason: 'no',
    comment: 5,
    earlier: [],
    at: NOW.toISOString(),
  };
}

function byHand() {
  return rollout().history.map((entry) => ({ ...entry, run: null }));
}

describe('the checklist', () => {
  const ids = CHECKLIST.flatMap(({ items }) => items.map(({ id }) => id));

  it('has the 29 items of the lifecycle', () => {
    const table = readFileSync(new URL('../../docs/lifecycle.md', import.meta.url), 'utf8');
    const asked = [...table.matchAll(/^\| ([A-Z]-C\d) \|/gm)].map(([, id]) => id);
    expect(ids).toHaveLength(29);
    expect(ids).toEqual(asked);
  });

  it.each(Object.entries(WITHOUT))('%s is true with its evidence, and false without', (id, cases) => {
    const full = itemOf(fullFacts(), id);
    expect(full, full.missing.join()).toMatchObject({ state: true, missing: [] });
    expect(full.evidence.length).toBeGreaterThan(0);
    for (const without of cases) {
      const found = itemOf(without(fullFacts()), id);
      expect(found.state).toBe(false);
      expect(found.missing.join()).not.toBe('');
    }
  });

  it.each(NOT_YET)('%s is false and says that nothing records its evidence', (id) => {
    const { state, missing } = itemOf(fullFacts(), id);
    expect(state).toBe(false);
    expect(missing.join()).toContain('not recorded by Roundhouse yet');
  });

  it('leaves out no item', () => {
    expect([...Object.keys(WITHOUT), ...NOT_YET].toSorted()).toEqual(ids.toSorted());
  });

  it('is all false without evidence, and counts what is true with it', () => {
    const facts = fullFacts();
    const empty = {
      ...withoutVersion(facts),
      approvals: [],
      documents: [],
      rollouts: [],
      windows: [],
      retrainings: [],
      judged: [],
    };
    expect(checklistOf(empty, NOW)).toMatchObject({ fulfilled: 0, total: 29 });
    expect(checklistOf(facts, NOW).fulfilled).toBe(29 - NOT_YET.length);
  });

  it('lets evidence grow old', () => {
    const facts = fullFacts();
    expect(itemOf(facts, 'D-C2', later(40)).missing.join()).toContain('days old');
    expect(itemOf(facts, 'S-C4', later(100))).toMatchObject({ state: false });
    expect(itemOf(facts, 'F-C1', later(3)).missing.join()).toContain('the schedule has stopped');
  });

  it('takes a first version without a champion, a lifted hold, and a rollback that had traffic', () => {
    const first = newest(() => ({ isFirst: true }))(fullFacts());
    const alone = evaluate(({ recent }) => ({
      recent: {
        ...recent,
        comparisons: recent.comparisons.map((one) => ({ ...one, candidate_minus_champion: null })),
      },
    }))(first);
    expect(itemOf(alone, 'M-C5').state).toBe(true);
    expect(itemOf({ ...fullFacts(), hold: held(false) }, 'P-C4').state).toBe(true);
    const never = rollout({
      phase: 'rolled-back',
      previous: null,
      history: rolledBackHistory(NOW.toISOString()),
    });
    expect(itemOf({ ...fullFacts(), rollouts: [never] }, 'S-C4').state).toBe(false);
  });

  it('names the window that asked, and not the one before', () => {
    const asked = windowRecord({ as_of: '2012-07-02T06:00:00Z' });
    const facts = { ...fullFacts(), retrainings: [{ window: asked, pull: 4 }] };
    expect(itemOf(facts, 'R-C2').evidence[0]?.text).toBe('asked for as of 2012-07-02');
  });

  it('has the rules that docs/checklist.md states', () => {
    const page = readFileSync(new URL('../../docs/checklist.md', import.meta.url), 'utf8');
    const stated = [...page.matchAll(/^\| ([A-Z]-C\d) \| (.+?) \| (.+?) \|$/gm)].map((row) => row.slice(1));
    const rules = CHECKLIST.flatMap(({ items }) => items.map(({ id, title, rule }) => [id, title, rule]));
    expect(stated).toEqual(rules);
  });
});
