import { isMap, isScalar, parseDocument, stringify } from 'yaml';
import type { Data } from '../lifecycle/data.ts';
import type { Problem } from '../lifecycle/problem.ts';

export type SkeletonFile = { path: string; text: string };

/**
 * Files of the definition pull request, PROBLEM.md apart: what was agreed on, and drafts that say what comes
 * next. The drafts parse, and plan nothing: data.yml has no sources and model.yml no candidates.
 */
export function skeletonFiles(problem: Problem, { environment }: { environment: string }): SkeletonFile[] {
  const folder = `models/${problem.model}`;
  return [
    { path: `${folder}/problem.yml`, text: problemYaml(problem) },
    { path: `${folder}/data.yml`, text: draftData(problem) },
    { path: `${folder}/model.yml`, text: draftModel(problem) },
    { path: `${folder}/operate.yml`, text: draftOperate(problem, environment) },
  ];
}

/** problem.yml, with what each part is for. It parses to the problem it was made from. */
export function problemYaml(problem: Problem): string {
  const document = parseDocument(stringify(problem, { lineWidth: 0 }));
  const comments: Record<string, string> = {
    success: ' What has to come true. The same numbers are gates in evaluation and thresholds of monitoring.',
    gates: ' All gates of this model. A change that loosens one needs the approvers of the problem.',
    value: ' What an error costs.',
    stakeholders: ' Who is asked. Who may approve is said by .github/roundhouse.yml alone.',
  };
  if (!isMap(document.contents)) throw new TypeError('a problem is a block of keys');
  for (const { key } of document.contents.items) {
    const comment = isScalar(key) ? comments[String(key.value)] : undefined;
    if (!isScalar(key) || comment === undefined) continue;
    key.commentBefore = comment;
    key.spaceBefore = true;
  }
  return document.toString({ lineWidth: 0 });
}

function draftData(problem: Problem): string {
  const { target, model } = problem;
  const value = stringify({ target }).trim();
  return `# Draft of ${model}'s data. Stages run once it has sources.
version: 1

# Where rows come from. Put a file into the store and name its digest; \`roundhouse init --data FILE\` does both.
# sources:
#   - { kind: csv, name: history, object: "sha256:..." }
sources: []

# SQL files in order, one SELECT each; the last table is what is trained on.
# pipeline: [pipeline/10-rows.sql]
pipeline: []

# What names a row, and the timestamp column of the pipeline's output.
key: [id]
${value}

# What comes with a request, as \`name: { from: request, type: number }\`.
${stringify({ inputs: draftInputs(problem) }, { lineWidth: 0 }).trim()}

# What has to be true of the rows before anything is trained on them.
${stringify({ contract: draftContract(problem) }, { lineWidth: 0 }).trim()}

# Which rows judge. With a \`time:\` column use \`{ by: time, recent: P28D, embargo: P1D, validation: P28D }\`.
split: { by: key, recent: 0.2, validation: 0.1 }
`;
}

function draftInputs({ data: { columns } }: Problem): Data['inputs'] {
  const inputs = columns.map(({ name, type }) => [name, { from: 'request', type }] as const);
  return Object.fromEntries(inputs) as Data['inputs'];
}

/** What was asked for as the first contract: the columns that have to be there, and rows enough. */
function draftContract({ data: { columns, min_rows }, target, task }: Problem): object {
  const required = (type: string) => ({ type, required: true });
  const known = columns.map(({ name, type }) => [name, required(type === 'number' ? 'number' : 'string')]);
  const answer = task.kind === 'regression' ? [[target, required('number')]] : [];
  return {
    columns: Object.fromEntries([...known, ...answer]),
    ...(min_rows > 0 && { rows: { minimum: min_rows } }),
  };
}

function draftModel({ model }: Problem): string {
  return `# Draft of ${model}'s training. Stages run once it has candidates.
version: 1
predictor: onnx

# candidates:
#   - { trainer: linear, name: linear, epochs: 60, learning_rate: 0.01 }
#   - { trainer: mlp, name: mlp, hidden: [64, 32], epochs: 60, learning_rate: 0.003 }
#   - { trainer: command, name: trees, command: [python3, models/${model}/train.py], rows: csv }
candidates: []

seed: 1
# full: what is served is trained up to the newest row, and what was judged is its twin.
refit: none
description: ""
limitations: []
`;
}

export function draftOperate({ success, constraints, model }: Problem, environment: string): string {
  const latency = constraints.latency_p95_ms ?? 250;
  const metric = success[0]?.metric ?? 'mae';
  return `# How versions of ${model} are rolled out, watched and renewed.
version: 1

deployment:
  environments: [${environment}]
  strategy:
    kind: canary
    steps: [{ weight: 20, min_requests: 200, max_duration: PT15M }]
    checks: { max_error_rate: 0.01, max_latency_p95_ms: ${latency} }

monitoring:
  window: P90D

retraining:
  when: any
  # Drift of the inputs alone never opens a pull request: errors on labels do.
  triggers:
    - { kind: labelled_loss, metric: ${metric}, worse_than: threshold }
  cooldown: P30D
  window: P90D
`;
}
