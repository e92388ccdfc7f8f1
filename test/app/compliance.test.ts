import { describe, expect, it } from 'vitest';
import { FRAMEWORKS, packOf } from '#lib/lifecycle/compliance/pack.ts';
import { readComplianceFacts } from '#lib/records/compliance-facts.ts';
import { linkOf } from '#lib/records/places.ts';
import { recordPath } from '#lib/records/records.ts';
import { renderCompliance, renderDocument } from '../../templates/compliance.ts';
import { structureOf } from '../markdown-structure.ts';
import { CANDIDATE, COMMIT, recorded } from './recorded.ts';

const EMPTY = {
  records: { read: async () => null, paths: async () => [] },
  tags: { list: async () => [] },
  ...{ fileAt: async () => null, head: null, paths: [] },
};

function sourceOf(world: ReturnType<typeof recorded>) {
  return { ...world, head: COMMIT, paths: [...world.texts.keys()] };
}

const packs = async (world: ReturnType<typeof recorded>) => {
  const facts = await readComplianceFacts(sourceOf(world), 'bikes');
  return FRAMEWORKS.map((framework) => packOf(framework, facts));
};
const headingOf = async (world: ReturnType<typeof recorded>, id: string) => {
  const all = (await packs(world)).flatMap(({ groups }) => groups.flatMap(({ headings }) => headings));
  const found = all.find((heading) => heading.id === id);
  if (!found) throw new Error(`no heading ${id}`);
  return found;
};
const rendered = (pack: ReturnType<typeof packOf>) =>
  renderCompliance(pack, {
    linkOf: (at) => linkOf(at, { model: 'bikes', repository: null, branch: 'main' }),
    from: { records: 'none', files: 'none' },
  });

describe('the headings', () => {
  it('are those of Annex IV and of the four functions, in their order', () => {
    const ids = FRAMEWORKS.map(({ groups }) =>
      groups.flatMap(({ headings }) => headings.map(({ id }) => id)),
    );
    const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    expect(ids[0]).toEqual([
      ...letters.map((letter) => `1(${letter})`),
      ...letters.map((letter) => `2(${letter})`),
      ...['3', '4', '5', '6', '7', '8', '9'],
    ]);
    const functions = { GOVERN: 6, MAP: 5, MEASURE: 4, MANAGE: 4 };
    expect(ids[1]).toEqual(
      Object.entries(functions).flatMap(([name, count]) =>
        Array.from({ length: count }, (_, index) => `${name} ${index + 1}`),
      ),
    );
  });

  it('are all missing in an empty repository, and nothing is claimed', async () => {
    const facts = await readComplianceFacts(EMPTY, null);
    for (const framework of FRAMEWORKS) {
      const pack = packOf(framework, facts);
      const headings = pack.groups.flatMap((group) => group.headings);
      expect(pack.counts).toEqual({ 'on record': 0, 'in part': 0, missing: headings.length });
      expect(headings.flatMap(({ evidence }) => evidence)).toEqual([]);
      expect(headings.filter(({ missing }) => missing.length === 0)).toEqual([]);
      expect(rendered(pack)).not.toMatch(/\(source \d/);
    }
  });

  it('are filled from what is on record, each line with its source', async () => {
    for (const pack of await packs(recorded())) {
      const headings = pack.groups.flatMap((group) => group.headings);
      expect(pack.counts['on record'] + pack.counts['in part']).toBeGreaterThan(10);
      const evidence = headings.flatMap((heading) => heading.evidence);
      expect(evidence.filter(({ text }) => /undefined|NaN|\[object|null/.test(text))).toEqual([]);
    }
  });

  it.each<[string, string, (world: ReturnType<typeof recorded>) => void, RegExp]>([
    [
      '2(g)',
      'the evaluation',
      (w) => void w.files.delete(recordPath.evidence(w.digests.evaluate)),
      /holdout/,
    ],
    [
      '2(d)',
      'the evidence of the data',
      (w) => void w.files.delete(recordPath.evidence(w.digests.data)),
      /data sets/,
    ],
    ['1(a)', 'problem.yml', (w) => void w.texts.delete('models/bikes/problem.yml'), /intended purpose/],
    [
      '1(d)',
      'the rollout',
      (w) => void w.files.delete(recordPath.deployment('bikes', 'production', 2)),
      /put into/,
    ],
    ['GOVERN 2', 'the policy', (w) => void w.texts.delete('.github/roundhouse.yml'), /people and teams/],
    ['MANAGE 1', 'the approval', (w) => void w.files.delete(recordPath.approval(CANDIDATE, 8)), /approvals/],
  ])('%s misses %s where it is gone', async (id, _what, take, missing) => {
    const world = recorded();
    expect((await headingOf(world, id)).missing.join()).not.toMatch(missing);
    take(world);
    expect((await headingOf(world, id)).missing.join()).toMatch(missing);
  });

  it('take nothing from evidence that was changed', async () => {
    const world = recorded();
    const path = recordPath.evidence(world.digests.evaluate);
    world.files.set(path, world.files.get(path)?.replace('38.4', '8.4') ?? '');
    const { evidence } = await headingOf(world, '2(g)');
    expect(evidence.map(({ text }) => text).join()).not.toContain('verdict');
  });

  it('take a document by people where no record can help', async () => {
    const world = recorded();
    expect(await headingOf(world, '8')).toMatchObject({ state: 'missing' });
    world.texts.set('compliance/bikes/eu-ai-act/8.md', 'the declaration');
    expect(await headingOf(world, '8')).toMatchObject({ state: 'on record', missing: [] });
  });
});

it('a pack is inert whatever people wrote', async () => {
  const world = recorded();
  const file = 'models/bikes/problem.yml';
  const before = world.texts.get(file) ?? '';
  const written = (text: string) => {
    world.texts.set(file, before.replace(/^objective:.*(\n .*)*/m, `objective: ${JSON.stringify(text)}`));
  };
  const texts: string[] = [];
  for (const text of [
    'harmless words',
    '<script>alert(1)</script> @everyone [x](javascript:alert(1)) | #1',
  ]) {
    written(text);
    const [pack] = await packs(world);
    if (pack) texts.push(rendered(pack));
  }
  const [plain = '', hostile = ''] = texts;
  expect(hostile).toContain('alert');
  expect(structureOf(hostile)).toEqual(structureOf(plain));
  expect(renderDocument('x', hostile)).not.toMatch(/<script|href="javascript/);
});
