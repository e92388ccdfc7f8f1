import { marked } from 'marked';
import { describe, expect, it } from 'vitest';
import { lineageChart } from '#lib/formats/lineage-view.ts';
import { lineageOf } from '#lib/lifecycle/lineage.ts';
import { parseVersionAsk } from '#lib/lifecycle/version-ask.ts';
import { findCandidates } from '#lib/records/find-candidate.ts';
import { readLineage } from '#lib/records/lineage.ts';
import { recordPath, recordText } from '#lib/records/records.ts';
import { readServing } from '#lib/records/serving.ts';
import { renderLineage } from '../../templates/lineage.ts';
import { CANDIDATE, recorded } from './recorded.ts';

type World = ReturnType<typeof recorded>;

const find = (world: World, text: string) =>
  findCandidates(world, parseVersionAsk(text) ?? { model: null, version: null, digest: null });

async function lineage(world: World) {
  const [found] = (await find(world, CANDIDATE)).candidates;
  if (!found) throw new Error('the candidate is not on record');
  return lineageOf(await readLineage(world, found));
}

describe('the chain behind a version', () => {
  it('has every step with its digest, when, who and where, and misses nothing', async () => {
    const { nodes, missing, version } = await lineage(recorded());
    expect(version).toBe('1.1.0');
    expect(missing).toEqual([]);
    expect(nodes.map(({ kind }) => kind)).toEqual([
      ...['problem', 'data', 'code', 'config', 'run', 'evaluation', 'approval', 'version', 'deployment'],
    ]);
    expect(nodes.filter(({ digest, page }) => digest === null || page === null)).toEqual([]);
    expect(nodes.find(({ kind }) => kind === 'problem')).toMatchObject({ who: ['product-owner'] });
    expect(nodes.find(({ kind }) => kind === 'approval')).toMatchObject({
      who: ['ml-lead'],
      digest: CANDIDATE,
    });
    expect(nodes.find(({ kind }) => kind === 'run')?.details).toContainEqual({
      label: 'winner',
      value: 'mlp',
    });
  });

  it.each<[string, (world: World) => void, string]>([
    [
      'evidence of the data',
      (w) => void w.files.delete(recordPath.evidence(w.digests.data)),
      'data: the evidence',
    ],
    [
      'evaluation as it was found',
      (w) => {
        const path = recordPath.evidence(w.digests.evaluate);
        w.files.set(path, w.files.get(path)?.replace('"passed"', '"failed"') ?? '');
      },
      'evaluation: the evidence of the evaluation is not what its digest names',
    ],
    [
      'run record',
      (w) => void w.files.delete(recordPath.run('bikes', { id: 12, attempt: 1 })),
      'evaluation: no evaluation of this candidate is on record',
    ],
    ['approval', (w) => void w.files.delete(recordPath.approval(CANDIDATE, 8)), 'approval: nobody approved'],
    [
      "problem's approval",
      (w) => void w.files.delete(recordPath.approval(w.digests.problem, 7)),
      'problem: nobody approved it',
    ],
    [
      'problem.yml',
      (w) => void w.texts.delete('models/bikes/problem.yml'),
      'problem: problem.yml of the commit',
    ],
    [
      'deployment',
      (w) => void w.files.delete(recordPath.deployment('bikes', 'production', 2)),
      'deployment: it was never deployed',
    ],
  ])('says that the %s is missing, and invents nothing in its place', async (_what, take, said) => {
    const world = recorded();
    take(world);
    const { missing, nodes } = await lineage(world);
    expect(missing.join('\n')).toContain(said);
    expect(nodes.filter(({ missing: gap }) => gap !== null).length).toBeLessThanOrEqual(6);
  });

  it('shows a gate that people passed, and that the version was frozen', async () => {
    const world = recorded();
    const by = {
      model: 'bikes',
      candidate: CANDIDATE,
      at: '2026-02-27T10:00:00Z',
      url: 'https://github.com/x',
    };
    const override = {
      ...{ kind: 'roundhouse-override', ...by, gate: 'mae at most 60', verdict: 'failed', reason: 'strike' },
      ...{
        people: ['ml-lead', 'product-owner'],
        pull_request: 3,
        comment: 21,
        expires: '2026-03-01T00:00:00Z',
      },
    };
    world.files.set(recordPath.override(CANDIDATE, 21), recordText(override));
    const freeze = {
      ...{ kind: 'roundhouse-freeze', ...by, version: '1.1.0', environment: 'production', ends: null },
      ...{
        to: { version: '1.0.0', candidate: CANDIDATE },
        login: 'ml-lead',
        issue: 9,
        comment: 22,
        lifted: null,
      },
    };
    world.files.set(recordPath.freeze(CANDIDATE), recordText(freeze));
    const { nodes } = await lineage(world);
    expect(nodes.find(({ kind }) => kind === 'override')).toMatchObject({
      who: ['ml-lead', 'product-owner'],
      details: expect.arrayContaining([{ label: 'reason', value: 'strike' }]),
    });
    expect(nodes.find(({ kind }) => kind === 'version')?.details).toContainEqual({
      ...{ label: 'frozen', value: 'by ml-lead on 2026-02-27' },
    });
  });

  it('is drawn as a graph whose every edge has two ends', async () => {
    const chain = await lineage(recorded());
    const chart = lineageChart(chain);
    expect(chart).toContain('flowchart LR');
    expect(chart.match(/ --> /g)).toHaveLength(chain.edges.length);
    const ids = new Set([...chart.matchAll(/^ {2}(n\d+)\[/gm)].map(([, id]) => id));
    for (const [, from, to] of chart.matchAll(/^ {2}(n\d+) --> (n\d+)$/gm)) {
      expect(ids.has(from)).toBe(true);
      expect(ids.has(to)).toBe(true);
    }
  });

  it('becomes a table with one row per step, linked to the repository', async () => {
    const chain = await lineage(recorded());
    const text = renderLineage(chain, { web: 'https://github.com/acme/bikes', named: null });
    const table = marked.lexer(text).find((token) => token.type === 'table');
    expect(table && 'rows' in table ? table.rows.length : 0).toBe(chain.nodes.length);
    expect(text).toContain('https://github.com/acme/bikes/actions/runs/12');
  });
});

describe('what is asked for', () => {
  it.each([
    ['', null],
    ['bikes', null],
    ['v1.1.0', null],
    ['bikes@1.1.0', null],
    [CANDIDATE.slice(7, 20), 'candidate'],
    ['66666666', 'bundle'],
    ['55555555', 'served model'],
    ['44444444', 'judged twin'],
  ])('%j is found', async (text, named) => {
    const { candidates, why } = await find(recorded(), text);
    expect(why).toBeNull();
    expect(candidates.map(({ candidate, named: what }) => [candidate, what])).toEqual([[CANDIDATE, named]]);
  });

  it.each([
    ['2.0.0', 'no v2.0.0 of bikes is registered; nearest: v1.1.0'],
    ['cars', 'no model "cars" is on record; there is bikes'],
    ['99999999', 'nothing on record has a digest that begins with 99999999'],
  ])('%j is not', async (text, why) => {
    expect(await find(recorded(), text)).toEqual({ candidates: [], why });
  });

  it('is nothing in an empty repository', async () => {
    const empty = {
      records: { read: async () => null, paths: async () => [] },
      tags: { list: async () => [] },
    };
    expect(await findCandidates(empty, { model: null, version: null, digest: null })).toEqual({
      candidates: [],
      why: 'no version is registered',
    });
    expect(await readServing(empty, { model: null, environment: null })).toMatchObject({
      rows: [],
      models: [],
    });
  });
});

it('what served names who approved it, and who promoted it there', async () => {
  const world = recorded();
  const promotion = {
    ...{ kind: 'roundhouse-promotion', model: 'bikes', environment: 'production', from: 'staging' },
    ...{
      version: '1.1.0',
      candidate: CANDIDATE,
      people: ['product-owner'],
      comment: 31,
      url: 'https://github.com/x',
    },
    at: '2026-02-27T09:00:00Z',
  };
  world.files.set(recordPath.promotion('bikes', 'production', 31), recordText(promotion));
  const { rows } = await readServing(world, { model: null, environment: 'production' });
  expect(rows).toMatchObject([
    { version: '1.1.0', share: 'all', until: null, approved_by: ['ml-lead'], promoted_by: ['product-owner'] },
  ]);
});
