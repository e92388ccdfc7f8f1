import {
  type ChecklistFacts,
  type Evidence,
  evaluation,
  type Found,
  type Item,
  NO_VERSION,
  nothing,
} from './facts.ts';

/** Stage 3. */
export const MODEL_ITEMS: Item[] = [
  {
    id: 'M-C1',
    title: 'Experiment tracking',
    rule: 'Every candidate of the search behind the newest version has a record of its training, and every candidate of model.yml was in that search.',
    check: experimentsTracked,
  },
  {
    id: 'M-C2',
    title: 'Evaluation metrics defined',
    rule: 'Every success metric was measured for the newest version on the recent holdout, with an interval.',
    check: metricsMeasured,
  },
  {
    id: 'M-C3',
    title: 'Model versioning',
    rule: 'The candidate that model.lock of the default branch names is a registered version: tag and record say the same.',
    check: versioned,
  },
  {
    id: 'M-C4',
    title: 'Documentation standards',
    rule: 'MODEL_CARD.md and a change note of the default branch name the candidate of model.lock.',
    check: documented,
  },
  {
    id: 'M-C5',
    title: 'Baseline comparison',
    rule: 'The newest version was compared on the same rows with the trivial baseline and, unless it is the first, with the champion, each with an interval.',
    check: compared,
  },
];

function experimentsTracked({ config, newest }: ChecklistFacts): Found {
  if (!newest) return nothing(NO_VERSION);
  const { search } = newest.evaluate;
  const trained = new Map(
    newest.train.map(({ candidate, backend, seed }, at) => {
      const digest = newest.record.accepted.train[at] ?? newest.record.accepted.data;
      const text = `${candidate.name}: ${backend}, seed ${seed}`;
      return [candidate.index, { text, at: { kind: 'evidence', digest }, digest } satisfies Evidence];
    }),
  );
  const names = new Set(search.map(({ name }) => name));
  return {
    evidence: search.flatMap(({ index }) => trained.get(index) ?? []),
    missing: [
      ...search
        .filter(({ index }) => !trained.has(index))
        .map(({ name }) => `the training of ${name} is not on record`),
      ...config.candidates
        .filter(({ name }) => !names.has(name))
        .map(({ name }) => `${name} of model.yml was not in the search`),
    ],
  };
}

function metricsMeasured({ problem, newest }: ChecklistFacts): Found {
  if (!newest) return nothing(NO_VERSION);
  const measured = new Set(
    newest.evaluate.recent.comparisons
      .filter(({ candidate }) => candidate.lower !== null && candidate.upper !== null)
      .map(({ metric }) => metric),
  );
  const wanted = problem.success.map(({ metric }) => metric);
  return {
    evidence: wanted
      .filter((metric) => measured.has(metric))
      .map((metric) => evaluation(newest, `${metric} on ${newest.evaluate.recent.rows} rows`)),
    missing: wanted
      .filter((metric) => !measured.has(metric))
      .map((metric) => `${metric} has no interval on the recent holdout`),
  };
}

function versioned({ lock, versions }: ChecklistFacts): Found {
  if (!lock) return nothing('model.lock is not on the default branch yet');
  const found = versions.find(({ candidate }) => candidate === lock.candidate);
  if (!found) return nothing('the candidate of model.lock is not a registered version');
  const { version, candidate } = found;
  return {
    evidence: [{ text: `v${version}`, at: { kind: 'registration', version }, digest: candidate }],
    missing: [],
  };
}

function documented({ lock, documents, model }: ChecklistFacts): Found {
  if (!lock) return nothing('model.lock is not on the default branch yet');
  const card = documents.find((path) => path === `models/${model}/MODEL_CARD.md`);
  const note = documents.find((path) => path.startsWith(`models/${model}/changes/`));
  const found = [card, note].filter((path) => path !== undefined);
  return {
    evidence: found.map((path) => ({ text: path, at: { kind: 'file', path }, digest: lock.candidate })),
    missing: [
      ...(card === undefined ? ['MODEL_CARD.md does not name the candidate of model.lock'] : []),
      ...(note === undefined ? ['no change note names the candidate of model.lock'] : []),
    ],
  };
}

function compared({ newest }: ChecklistFacts): Found {
  if (!newest) return nothing(NO_VERSION);
  const [first] = newest.evaluate.recent.comparisons;
  const trivial = first?.candidate_minus_trivial.upper ?? null;
  const champion = first?.candidate_minus_champion?.upper ?? null;
  return {
    evidence: [
      ...(trivial === null ? [] : [evaluation(newest, 'with the trivial baseline')]),
      ...(champion === null ? [] : [evaluation(newest, 'with the champion of then')]),
    ],
    missing: [
      ...(trivial === null ? ['no interval of the difference to the trivial baseline'] : []),
      ...(champion === null && !newest.isFirst ? ['no interval of the difference to the champion'] : []),
    ],
  };
}
