import type { Data } from '../lifecycle/data.ts';
import type { EvaluateResult } from '../lifecycle/evidence.ts';
import type { Model } from '../lifecycle/model.ts';
import type { Operate } from '../lifecycle/operate.ts';
import type { Policy, StandingTerms } from '../lifecycle/policy.ts';
import type { Problem, Slice } from '../lifecycle/problem.ts';
import type { Digest } from '../lifecycle/scalars.ts';
import { digestOfJson } from './digest.ts';
import { matchesGlob } from './glob.ts';

/** A file of a tree: its path from the root and the id of its git blob. */
export type TreeFile = { path: string; blob: string };

/** What lies in a model's folder and isn't code: it has a digest of its own, or Roundhouse writes it. */
const NOT_CODE = [
  /\.lock$/,
  /^PROBLEM\.md$/,
  /^[^/]*_CARD\.md$/,
  /^changes\//,
  /^decisions\//,
  /^(problem|data|model|operate)\.yml$/,
];
const PACKAGE_LOCK = /^(package-lock\.json|requirements[^/]*\.txt|uv\.lock)$/;

/**
 * Whether the code digest covers a path: the model's folder without what has a digest of its own, package
 * locks (of the root and of the model's folder), and the globs of model.yml's `code:`.
 */
export function isCode(path: string, { model, code }: { model: string; code: readonly string[] }): boolean {
  const folder = `models/${model}/`;
  const inside = path.startsWith(folder) ? path.slice(folder.length) : null;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const isPackageLock = PACKAGE_LOCK.test(name) && (inside !== null || !path.includes('/'));
  if (isPackageLock) return true;
  if (inside !== null) return !NOT_CODE.some((pattern) => pattern.test(inside));
  return code.some((glob) => matchesGlob(path, glob));
}

/** Digest of the files that `isCode` says yes to: sorted pairs of path and blob id. */
export function codeDigest(
  files: readonly TreeFile[],
  options: { model: string; code: readonly string[] },
): Digest {
  const pairs = files
    .filter(({ path }) => isCode(path, options))
    .map(({ path, blob }) => [path, blob] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return digestOfJson(pairs);
}

/**
 * Digest of the parsed model.yml and of all of data.yml that decides on rows and features. `labels` and
 * `holdout` stay out: they steer monitoring and judging, not training.
 */
export function configDigest(model: Model, data: Data): Digest {
  const { labels: _labels, holdout: _holdout, ...training } = data;
  return digestOfJson({ model, data: training });
}

/**
 * Digest of all that says how strictly is judged: of problem.yml what an evaluation or the contract reads (another
 * title doesn't ask for another verdict), of data.yml the looks that a holdout is good for.
 */
export function gatesDigest(problem: Problem, { holdout }: Pick<Data, 'holdout'>): Digest {
  const { task, target, success, gates, value, data, constraints } = withoutUnsaid(problem);
  const size = constraints.size_mb === undefined ? {} : { size_mb: constraints.size_mb };
  const { min_rows } = data;
  return digestOfJson({
    task,
    target,
    success,
    gates,
    value,
    min_rows,
    ...size,
    max_looks: holdout.max_looks,
  });
}

export function problemDigest(problem: Problem): Digest {
  return digestOfJson(withoutUnsaid(problem));
}

/** Words that came into problem.yml later count once they say something: what was approved before keeps its digest. */
function withoutUnsaid({ baseline, success, gates, data, constraints, ...rest }: Problem) {
  const { columns, ...asked } = data;
  const { size_mb, privacy, explainability, ...limits } = constraints;
  return {
    ...rest,
    success: success.map(onAllRows),
    gates: gates.map((gate) => (gate.kind === 'threshold' ? onAllRows(gate) : gate)),
    data: { ...asked, ...(columns.length > 0 && { columns }) },
    constraints: {
      ...limits,
      ...(size_mb !== null && { size_mb }),
      ...(privacy !== '' && { privacy }),
      ...(explainability !== 'none' && { explainability }),
    },
    ...((baseline.value !== null || baseline.how !== '') && { baseline }),
  };
}

function onAllRows<Bound extends { slice: Slice | null }>({ slice, ...bound }: Bound) {
  return slice === null ? bound : { ...bound, slice };
}

/** Who is reminded when, and where decisions are written down, decides nothing about a candidate. */
export function policyDigest({ reminders: _reminders, decisions: _decisions, ...deciding }: Policy): Digest {
  return digestOfJson(deciding);
}

/**
 * Digest of what an evaluation found. Which look at the holdout it was, and the bytes that rows are written
 * in, depend on when and with which library it ran, so they stay out.
 */
export function evaluationDigest(result: EvaluateResult): Digest {
  const holdout = (part: EvaluateResult['recent']) => {
    const { look: _look, part: rows, ...found } = part;
    return { ...found, content: rows.content };
  };
  return digestOfJson({
    ...result,
    recent: holdout(result.recent),
    anchor: result.anchor && holdout(result.anchor),
  });
}

/** What people approve. `served` are the bytes that will answer requests. */
export function candidateDigest(parts: {
  model: string;
  data: Digest;
  code: Digest;
  config: Digest;
  gates: Digest;
  served: Digest;
  evaluation: Digest;
  policy: Digest;
}): Digest {
  return digestOfJson({ v: 1, ...parts });
}

/**
 * What people approve in advance: everything that decides how a retraining of this model is made and judged, apart
 * from the rows. Of data.yml the window's end and the snapshots of predictions stay out: a retraining moves just
 * those. Each part has a digest of its own, so that what deviates can be named.
 */
export function procedureParts({
  model,
  data,
  operate,
  code,
  gates,
  problem,
  policy,
  terms,
}: {
  model: Model;
  data: Data;
  operate: Operate;
  code: Digest;
  gates: Digest;
  problem: Digest;
  policy: Digest;
  terms: StandingTerms;
}): Record<string, Digest> {
  const window = data.window === 'all' ? 'all' : { last: data.window.last };
  const sources = data.sources.map((source) =>
    source.kind === 'predictions' ? { ...source, snapshot: 'any' } : source,
  );
  return {
    code,
    gates,
    problem,
    policy,
    'model.yml': digestOfJson(model),
    'data.yml': digestOfJson({ ...data, window, sources }),
    'the retraining of operate.yml': digestOfJson(operate.retraining),
    'the terms of the policy': digestOfJson(terms),
  };
}

export function procedureDigest(model: string, parts: Readonly<Record<string, Digest>>): Digest {
  return digestOfJson({ v: 1, procedure: model, parts });
}
