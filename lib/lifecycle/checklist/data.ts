import {
  type ChecklistFacts,
  dataEvidence,
  daysSince,
  evaluation,
  type Found,
  type Item,
  NO_VERSION,
  nothing,
  notRecorded,
} from './facts.ts';

const FRESH_DAYS = 30;

/** Stage 2. */
export const DATA_ITEMS: Item[] = [
  {
    id: 'D-C1',
    title: 'Data sources identified and accessed',
    rule: 'Every source of data.yml was read for the newest version: its rows and its digest are on record.',
    check: sourcesAccessed,
  },
  {
    id: 'D-C2',
    title: 'Data pipeline automated and tested',
    rule: `The pipeline ran for the newest version within the last ${FRESH_DAYS} days, and a test of at least one of its steps is on record.`,
    check: pipelineTested,
  },
  {
    id: 'D-C3',
    title: 'Data quality checks implemented',
    rule: 'The contract of data.yml has rules for columns, and the data of the newest version passed it.',
    check: qualityChecked,
  },
  {
    id: 'D-C4',
    title: 'Feature pipeline established',
    rule: 'Every input of data.yml is an input of the served graph, and the newest version passed a gate of kind skew.',
    check: featurePipeline,
  },
  {
    id: 'D-C5',
    title: 'Data versioning',
    rule: 'The data that model.lock of the default branch names are on record by digest, with the digest of every source.',
    check: dataVersioned,
  },
];

function sourcesAccessed({ data, newest }: ChecklistFacts): Found {
  if (!newest) return nothing(NO_VERSION);
  // Of the prediction log nothing is read before the first snapshot.
  const wanted = data.sources.filter((source) => source.kind !== 'predictions' || source.snapshot !== 'none');
  if (wanted.length === 0) return nothing('data.yml names no source');
  const read = newest.data.sources;
  return {
    evidence: wanted.flatMap(({ name }) => {
      const found = read.find((source) => source.name === name && source.rows > 0);
      return found ? [{ ...dataEvidence(newest, `${name}: ${found.rows} rows`), digest: found.content }] : [];
    }),
    missing: wanted
      .filter(({ name }) => !read.some((source) => source.name === name && source.rows > 0))
      .map(({ name }) => `no row of the source ${name} was read for v${newest.registration.version}`),
  };
}

function pipelineTested({ newest }: ChecklistFacts, now: Date): Found {
  if (!newest) return nothing(NO_VERSION);
  const { at } = newest.record;
  const days = daysSince(at, now);
  return {
    evidence: [dataEvidence(newest, `${newest.data.steps.length} steps ran by ${at.slice(0, 10)}`)],
    missing: [
      ...(days > FRESH_DAYS ? [`the last run on record is ${days} days old`] : []),
      notRecorded('a test of a pipeline step'),
    ],
  };
}

function qualityChecked({ data, newest }: ChecklistFacts): Found {
  if (!newest) return nothing(NO_VERSION);
  const rules = Object.keys(data.contract.columns).length;
  const { verdict } = newest.data.contract;
  return {
    evidence: [dataEvidence(newest, `rules for ${rules} columns, ${verdict}`)],
    missing: [
      ...(rules === 0 ? ['the contract of data.yml has no rule for a column'] : []),
      ...(verdict === 'passed' ? [] : [`the contract was ${verdict} for v${newest.registration.version}`]),
    ],
  };
}

function featurePipeline({ data, newest }: ChecklistFacts): Found {
  if (!newest) return nothing(NO_VERSION);
  const served = new Set(newest.evaluate.signature.inputs.map(({ name }) => name));
  const absent = Object.keys(data.inputs).filter((name) => !served.has(name));
  const skew = newest.evaluate.gates.find(({ kind }) => kind === 'skew');
  return {
    evidence: [
      evaluation(newest, `${served.size} inputs in the graph`),
      ...(skew?.verdict === 'passed' ? [evaluation(newest, `${skew.name}: ${skew.actual}`)] : []),
    ],
    missing: [
      ...(absent.length > 0 ? [`inputs that the graph does not have: ${absent.join(', ')}`] : []),
      ...(skew === undefined ? [notRecorded('a gate of kind skew')] : []),
      ...(skew !== undefined && skew.verdict !== 'passed'
        ? [`the gate "${skew.name}" is ${skew.verdict}`]
        : []),
    ],
  };
}

function dataVersioned({ lock, newest }: ChecklistFacts): Found {
  if (!lock) return nothing('model.lock is not on the default branch yet');
  if (!newest) return nothing(NO_VERSION);
  const { output, sources } = newest.data;
  if (lock.data !== output.content)
    return nothing(`the data that model.lock names are not those of v${newest.registration.version}`);
  const text = `${newest.data.rows} rows of ${sources.length} sources`;
  return { evidence: [{ ...dataEvidence(newest, text), digest: output.content }], missing: [] };
}
