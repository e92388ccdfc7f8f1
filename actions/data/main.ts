import { join } from 'node:path';
import { type Build, buildData } from '#lib/data/build.ts';
import { checkContract } from '#lib/data/contract.ts';
import { checkLabels } from '#lib/data/label-check.ts';
import { profileOf } from '#lib/data/profile.ts';
import { type Assignment, SPLIT_PARTS, splitRows } from '#lib/data/split.ts';
import { columnOf, isMissing, type Table, timesOf } from '#lib/data/table.ts';
import { canonicalJson, digestOfJson } from '#lib/formats/digest.ts';
import type { DataResult } from '#lib/lifecycle/data-evidence.ts';
import type { JobPlan, Part } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { StageDeps, StageResult } from '../kit/stage.ts';
import { makeStatement, type Subject, statementText } from '../kit/statement.ts';
import { commitFiles, loadDefinition, workspaceFiles } from './definition.ts';
import { openDesk, putOutput, putParts } from './put-parts.ts';

export type DataInputs = { model: string; plan: JobPlan | null; planDigest: Digest | null };

/** Stage 2: sources -> pipeline -> contract -> parts, as objects that later stages name by digest. */
export async function main(inputs: DataInputs, deps: StageDeps): Promise<StageResult<'data'>> {
  const startedAt = deps.now();
  const builds: Build[] = [];
  try {
    const { result, subjects } = await makeData(inputs, deps, builds);
    const { model, planDigest } = inputs;
    const statement = makeStatement(
      'data',
      { model, plan: planDigest, startedAt, finishedAt: deps.now(), subjects, result },
      deps,
    );
    const { verdict } = result.contract;
    await deps.exchange.put('train/data.json', statementText(statement));
    return { statement, verdict, outputs: { verdict, rows: String(result.rows) } };
  } finally {
    for (const { session } of builds) session.close();
  }
}

type Made = { result: DataResult; subjects: Subject[] };

async function makeData({ model, plan }: DataInputs, deps: StageDeps, builds: Build[]): Promise<Made> {
  const { progress } = deps;
  progress.phase(`data of ${model}: sources and pipeline`);
  const { needed, ...definition } = await loadDefinition(model, workspaceFiles(deps.workspace));
  const own = await buildData({
    ...definition,
    store: deps.store,
    folder: join(deps.scratch, 'candidate'),
    note: progress.note,
  });
  builds.push(own);
  const labels = columnOf(own.table, own.data.target);
  const labelled = { ...definition, target: own.data.target };
  checkLabels(labels, { ...labelled, part: 'the output', rows: labels.values.keys() });
  const rival = plan?.champion ? await buildChampion({ model, own, champion: plan.champion, deps }) : null;
  if (rival) builds.push(rival);

  const contract = checkContract({
    contract: own.data.contract,
    needed,
    table: own.table,
    types: new Map(own.columns.map(({ name, type }) => [name, type])),
  });
  const assignment = split(own);
  checkLabels(labels, { ...labelled, part: 'the training part', rows: assignment.parts.train });
  for (const part of SPLIT_PARTS) progress.note(`${part}: ${assignment.parts[part].length} rows`);

  progress.phase(`data of ${model}: parts`);
  const desk = openDesk(deps);
  const output = await putOutput(own, desk);
  const { parts, full } = await putParts({ own, rival, assignment, plan, deps, desk });
  const profile = await desk.put('train/profile.json', canonicalJson(profileOfInputs(own, full)));
  return {
    result: {
      sources: own.sources,
      steps_digest: digestOfJson(own.steps.map(({ path, sql }) => ({ path, sql }))),
      steps: own.steps,
      output,
      rows: own.table.rows,
      columns: own.columns.map(({ name, type }) => ({ name, type })),
      profile,
      contract,
      window: windowOf(assignment),
      parts,
      notes: [...assignment.notes, ...notesOnParts(parts, plan)],
    },
    subjects: desk.subjects,
  };
}

type Rival = { model: string; own: Build; champion: NonNullable<JobPlan['champion']>; deps: StageDeps };

/** The champion's pipeline over the candidate's sources: both models meet the same source rows. */
async function buildChampion({ model, own, champion, deps }: Rival): Promise<Build> {
  const files = commitFiles(deps.workspace, champion.commit);
  const definition = await loadDefinition(model, files);
  const { data } = definition;
  if (data.key.join() !== own.data.key.join()) {
    throw new UserError(
      `models/${model}/data.yml: \`key:\` is [${own.data.key.join(', ')}], and [${data.key.join(', ')}] for the champion ${champion.version}: the two can't be joined`,
      { fix: "keep the champion's key, or start a new model with a name of its own" },
    );
  }
  const names = new Set(own.data.sources.map(({ name }) => name));
  const sources = [...own.data.sources, ...data.sources.filter(({ name }) => !names.has(name))];
  return buildData({
    ...definition,
    data: { ...data, sources },
    store: deps.store,
    folder: join(deps.scratch, 'champion'),
    note: deps.progress.note,
  });
}

function split({ data, table, keys }: Build): Assignment {
  const target = columnOf(table, data.target);
  return splitRows({
    policy: data,
    keys,
    times: data.time === null ? null : timesOf(table, data.time),
    labelled: (row) => !isMissing(target, row),
  });
}

function profileOfInputs({ data }: Build, full: Table) {
  const inputs = Object.entries(data.inputs).map(([name, { type }]) => ({
    name,
    category: type === 'category',
  }));
  return profileOf(full, { columns: [...inputs, { name: data.target, category: false }], time: data.time });
}

function windowOf({ window }: Assignment): DataResult['window'] {
  if (window === null) return null;
  return { from: new Date(window.from).toISOString(), until: new Date(window.until).toISOString() };
}

function notesOnParts(parts: DataResult['parts'], plan: JobPlan | null): string[] {
  const lost = (what: string, found: Part | null, asked: number | undefined) =>
    found === null || asked === undefined || found.rows >= asked
      ? []
      : [`${asked - found.rows} of ${asked} rows of ${what} are not there`];
  return [
    ...lost("the recent holdout in the champion's pipeline", parts.recent_champion, parts.recent.rows),
    ...lost("the anchor in the candidate's pipeline", parts.anchor, plan?.anchor?.rows),
    ...lost("the anchor in the champion's pipeline", parts.anchor_champion, plan?.anchor?.rows),
  ];
}
