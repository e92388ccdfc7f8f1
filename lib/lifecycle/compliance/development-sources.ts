import { committed, day, evaluated, evidence, figure, fileOf, interval, of } from './evidence-of.ts';
import type { Source } from './facts.ts';

/** What data, training, evaluation and the documents of a model can show. Every text states what was found, and no more. */

export const DATA_SOURCES: Source = {
  what: 'data sets with their provenance (evidence of the data)',
  find: ({ newest, data }) => {
    const taken = newest?.data;
    if (!taken || typeof taken.found === 'string') return [];
    const { sources, rows, window } = taken.found.predicate.result;
    const span = window ? ` from ${day(window.from)} to ${day(window.until)}` : '';
    return [
      ...sources.map(({ name, kind, rows: count, content }) => {
        const known = data?.sources.find((source) => source.name === name);
        const by =
          known && 'attribution' in known && known.attribution !== '' ? `; ${known.attribution}` : '';
        return evidence(taken.digest, `source ${name} (${kind}): ${count} rows${by}`, content);
      }),
      evidence(
        taken.digest,
        `${rows} rows after the pipeline${span}`,
        taken.found.predicate.result.output.content,
      ),
    ];
  },
};

export const DATA_CHECKS: Source = {
  what: 'checks of the data against its contract (evidence of the data)',
  find: ({ newest }) =>
    of(
      newest?.data,
      ({ result: { contract } }) =>
        `contract ${contract.verdict}: ${contract.reasons.map(({ rule, actual }) => `${rule} (${actual})`).join('; ') || 'no rules'}`,
    ),
};

export const LABELLING: Source = {
  what: 'when labels come and how many must be there (data.yml)',
  find: ({ model, data }) =>
    model === null || data === null
      ? []
      : [
          fileOf(
            model,
            'data.yml',
            `labels are expected ${data.labels.lag} after the event, for ${figure(data.labels.min_coverage * 100)} % of predictions`,
            null,
          ),
        ],
};

export const INPUT_RULES: Source = {
  what: 'specification of the input data (contract in data.yml)',
  find: ({ model, data }) => {
    const columns = Object.keys(data?.contract.columns ?? {});
    return model === null || columns.length === 0
      ? []
      : [fileOf(model, 'data.yml', `rules for ${columns.length} columns: ${columns.join(', ')}`, null)];
  },
};

export const PIPELINE: Source = {
  what: 'steps that made its data (evidence of the data)',
  find: ({ newest }) =>
    of(
      newest?.data,
      ({ result }) =>
        `SQL steps: ${result.steps.map(({ path, rows }) => `${path} (${rows} rows)`).join(', ') || 'none'}`,
    ),
};

export const TRAINING: Source = {
  what: 'how it was trained and chosen (evidence of training and evaluation)',
  find: (facts) => [
    ...(facts.newest?.train ?? []).flatMap((taken) =>
      of(taken, ({ result }) => {
        const { name, trainer, params } = result.candidate;
        return `candidate ${name}: ${trainer}, seed ${result.seed}, parameters ${JSON.stringify(params)}`;
      }),
    ),
    ...evaluated(
      facts,
      ({ search, winner, refit }) =>
        `chosen by ${search.map(({ name, metric, value }) => `${name} ${metric} ${figure(value)}`).join(', ')}: ${search.find(({ index }) => index === winner)?.name ?? 'unknown'} won; refit ${refit}`,
    ),
  ],
};

export const SOFTWARE: Source = {
  what: 'versions of the software that trained it (evidence of the training)',
  find: ({ newest }) =>
    (newest?.train ?? []).flatMap((taken) =>
      of(taken, ({ machine, result }) => {
        const { roundhouse, node } = machine;
        return `${result.candidate.name} trained by Roundhouse ${roundhouse} on Node ${node}, backend ${result.backend}`;
      }),
    ),
};

export const PACKAGE_LOCKS: Source = {
  what: 'pinned versions of packages (a committed package lock)',
  find: ({ files }) =>
    files
      .filter(({ path }) => /(^|\/)(package-lock\.json|requirements[^/]*\.txt|uv\.lock)$/.test(path))
      .map(({ path, digest }) => committed(path, `packages pinned in ${path}`, digest)),
};

export const MACHINES: Source = {
  what: 'machines that it was trained on (evidence of the training)',
  find: ({ newest }) =>
    (newest?.train ?? []).flatMap((taken) =>
      of(
        taken,
        ({ machine, result }) => `${result.candidate.name}: ${machine.platform}, ${machine.cpus} CPUs`,
      ),
    ),
};

export const INTERFACE: Source = {
  what: 'inputs and outputs of the served model (signature in the evaluation)',
  find: (facts) =>
    evaluated(facts, ({ signature }) => {
      const names = (tensors: typeof signature.inputs) => tensors.map(({ name }) => name).join(', ');
      return `inputs ${names(signature.inputs)}; outputs ${names(signature.outputs)} (Open Inference Protocol v2)`;
    }),
};

export const EVALUATION: Source = {
  what: 'the newest version judged on a holdout (evidence of the evaluation)',
  find: (facts) =>
    evaluated(facts, ({ verdict, recent, gates }) => {
      const figures = recent.comparisons.map(({ metric, candidate }) => `${metric} ${interval(candidate)}`);
      const passed = gates.filter((gate) => gate.verdict === 'passed').length;
      return `verdict ${verdict} on ${recent.rows} rows: ${figures.join(', ')}; ${passed} of ${gates.length} gates passed`;
    }),
};

export const BASELINES: Source = {
  what: 'comparison with a baseline (evidence of the evaluation)',
  find: (facts) =>
    evaluated(facts, ({ recent }) =>
      recent.comparisons
        .map(
          ({ metric, candidate_minus_trivial }) =>
            `${metric} loss minus that of the trivial answer: ${interval(candidate_minus_trivial)}`,
        )
        .join('; '),
    ),
};

export const SLICES: Source = {
  what: 'figures for parts of the population (slices in the evaluation)',
  find: (facts) =>
    evaluated(facts, ({ slices }) =>
      slices
        .map(
          ({ column, value, metric, estimate, rows }) =>
            `${column} = ${value}: ${metric} ${interval(estimate)} on ${rows} rows`,
        )
        .join('; '),
    ).filter(({ text }) => text !== ''),
};

export const LIMITS: Source = {
  what: 'stated limitations (`limitations:` in model.yml)',
  find: ({ model, config }) =>
    model === null ? [] : (config?.limitations ?? []).map((text) => fileOf(model, 'model.yml', text, null)),
};

export const DECISIONS = documents('decision records (decisions/*.md)', /\/decisions\/[^/]+\.md$/);

export const CHANGES = documents('change notes (changes/*.md)', /\/changes\/[^/]+\.md$/);

export const MODEL_CARD = documents('MODEL_CARD.md', /\/MODEL_CARD\.md$/);

export const DATA_CARD = documents('DATA_CARD.md', /\/DATA_CARD\.md$/);

function documents(what: string, pattern: RegExp): Source {
  return {
    what,
    find: ({ files }) =>
      files.filter(({ path }) => pattern.test(path)).map(({ path, digest }) => committed(path, path, digest)),
  };
}
