import { stack } from '#lib/data/table.ts';
import { gatesDigest } from '#lib/formats/digests.ts';
import type { EvaluateResult, Statement, TrainResult } from '#lib/lifecycle/evidence.ts';
import type { Champion, JobPlan, Part } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { type Evaluation, evaluate, winnerOf } from '#lib/ml/evaluate.ts';
import { loadModelFolder, type ModelFolder } from '../kit/model-folder.ts';
import type { StageDeps, StageResult } from '../kit/stage.ts';
import { makeStatement } from '../kit/statement.ts';
import { packBundle } from './bundle.ts';
import { type Predictors, startPredictors } from './predictors.ts';
import { openRows, type Rows } from './rows.ts';

export type EvaluateInputs = {
  model: string;
  plan: JobPlan | null;
  planDigest: Digest | null;
  data: Statement<'data'>;
  train: Statement<'train'>[];
  champion: Champion | null;
  anchor: Part | null;
  /** Looks taken so far at each holdout, by content digest. */
  looks: Record<string, number>;
};

/**
 * Judges the search's winner on the recent holdout and the anchor, beside the champion and the trivial
 * baseline, and packs what would be served. A runtime that can't run a model is a fault, never a verdict.
 */
export async function main(inputs: EvaluateInputs, deps: StageDeps): Promise<StageResult<'evaluate'>> {
  const startedAt = deps.now();
  const folder = loadModelFolder(deps.workspace, inputs.model);
  checkPlan(folder, inputs.plan);
  const search = checkSearch(inputs);
  const winner = winnerOf(search);
  const { progress } = deps;
  progress.phase(`evaluate ${inputs.model}: ${winner.candidate.name} won the search on validation`);
  const rows = openRows(inputs.data.predicate.result.parts, deps);
  const predictors = await startPredictors(winner, inputs.champion, deps);
  try {
    const evaluated = await evaluate(await evaluationOf({ inputs, folder, winner, rows, predictors }));
    for (const { name, verdict, actual } of evaluated.gates) progress.note(`${name}: ${verdict}, ${actual}`);
    progress.phase(`evaluate ${inputs.model}: bundle`);
    const served = { predictor: predictors.served ?? predictors.twin, bytes: predictors.servedBytes };
    const { profile } = inputs.data.predicate.result;
    const { model, anchor } = inputs;
    const bundle = await packBundle({ model, winner, served, evaluated, profile, anchor, rows }, deps);
    const result = resultOf({ inputs, search, winner, evaluated, bundle: bundle.digest });
    const statement = makeStatement(
      'evaluate',
      {
        model,
        plan: inputs.planDigest,
        startedAt,
        finishedAt: deps.now(),
        subjects: bundle.subjects,
        result,
      },
      deps,
    );
    const { verdict } = result;
    return { statement, verdict, outputs: { verdict, bundle: bundle.digest, winner: winner.candidate.name } };
  } finally {
    await predictors.close();
  }
}

/** The gates that judge are those that the plan was made for. */
function checkPlan({ problem, data }: ModelFolder, plan: JobPlan | null): void {
  if (plan === null || gatesDigest(problem, data) === plan.digests.gates) return;
  throw new UserError(`the gates of ${problem.model} are not those that this run was planned for`, {
    fix: 'push again: a plan holds for one state of problem.yml and of `holdout:` in data.yml',
  });
}

/** The candidates of one search on the present data. Each twin must have seen all rows before the holdout and no more. */
function checkSearch({ model, data, train }: EvaluateInputs): TrainResult[] {
  const { output, parts } = data.predicate.result;
  const rows = parts.train.rows + parts.validation.rows;
  const search = train.map(({ predicate }) => predicate.result);
  for (const { candidate, data: learned, twin } of search) {
    if (learned === output.content && twin.rows === rows) continue;
    const why =
      learned === output.content
        ? `its twin saw ${twin.rows} rows and not ${rows}`
        : 'it was trained on other data';
    throw new UserError(`candidate "${candidate.name}" can't be judged: ${why}`, {
      fix: `train it again: \`roundhouse train --model ${model} --candidate ${candidate.index}\``,
    });
  }
  if (search.length > 0) return search;
  throw new UserError(`no candidate of ${model} has been trained`, {
    fix: `run \`roundhouse train --model ${model}\` first`,
  });
}

type Setting = {
  inputs: EvaluateInputs;
  folder: ModelFolder;
  winner: TrainResult;
  rows: Rows;
  predictors: Predictors;
};

async function evaluationOf({ inputs, folder, winner, rows, predictors }: Setting): Promise<Evaluation> {
  const { parts } = inputs.data.predicate.result;
  if (inputs.champion && !parts.recent_champion) {
    throw new UserError(
      `the holdout was not built through the pipeline of the champion ${inputs.champion.version}`,
      {
        fix: 'run the data stage again with the champion in force',
      },
    );
  }
  const look = (part: Part) => (inputs.looks[part.content] ?? 0) + 1;
  const { twin, served, champion } = predictors;
  return {
    problem: folder.problem,
    data: folder.data,
    signature: winner.signature,
    training: {
      target: stack(await rows.require('train'), await rows.require('validation')),
      keys: new Set([...(await rows.keys('train')), ...(await rows.keys('validation'))]),
    },
    recent: {
      part: parts.recent,
      candidate: await rows.require('recent'),
      champion: await rows.table('recent_champion'),
      look: look(parts.recent),
    },
    anchor: parts.anchor && {
      part: parts.anchor,
      candidate: await rows.require('anchor'),
      champion: await rows.table('anchor_champion'),
      look: look(parts.anchor),
    },
    twin,
    served,
    servedBytes: predictors.servedBytes.byteLength,
    champion,
  };
}

type Findings = Pick<Setting, 'inputs' | 'winner'> & {
  search: TrainResult[];
  evaluated: Awaited<ReturnType<typeof evaluate>>;
  bundle: Digest;
};

function resultOf({ inputs, search, winner, evaluated, bundle }: Findings): EvaluateResult {
  const { trivialAnswer: _answer, ...found } = evaluated;
  return {
    data: inputs.data.predicate.result.output.content,
    search: search.map(({ candidate: { index, name }, validation: { metric, value } }) => ({
      index,
      name,
      metric,
      value,
    })),
    winner: winner.candidate.index,
    trainer: winner.candidate.trainer,
    refit: winner.refit,
    twin: winner.twin.model,
    served: winner.served.model,
    bundle,
    seen: winner.seen,
    signature: winner.signature,
    ...found,
  };
}
