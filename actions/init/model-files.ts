import { problemYaml } from '#lib/formats/skeleton.ts';
import { type Problem, problemSchema } from '#lib/lifecycle/problem.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { RepositoryFile } from '../../templates/repository.ts';
import { dataYaml, outputNames, rowsSql } from './data-text.ts';
import { modelYaml, operateYaml } from './model-text.ts';
import type { Understanding } from './understand.ts';

/** `models/<name>/` for a file: files that parse and run, and say why they are as they are. */
export function modelFiles(
  known: Understanding,
  { name, object }: { name: string; object: Digest },
): RepositoryFile[] {
  const folder = `models/${name}`;
  const names = outputNames(known);
  return [
    { path: `${folder}/problem.yml`, text: problemText(known, name) },
    { path: `${folder}/data.yml`, text: dataYaml(known, { object, names }) },
    { path: `${folder}/pipeline/10-rows.sql`, text: rowsSql(known, names) },
    { path: `${folder}/model.yml`, text: modelYaml(known) },
    { path: `${folder}/operate.yml`, text: operateYaml(known, name) },
  ];
}

function problemText(known: Understanding, name: string): string {
  const { success, task, positiveReason } = known;
  const notes = [
    `# The threshold of ${success.metric}: ${success.reason}. The trivial answer reaches ${Number(success.trivial.toPrecision(3))}.`,
    ...(task.kind === 'binary'
      ? [`# ${JSON.stringify(task.positive)} is the positive class: ${positiveReason}.`]
      : []),
  ];
  return `${notes.map((note) => note.replaceAll(/\s+/g, ' ')).join('\n')}\n\n${problemYaml(problemOf(known, name))}`;
}

function problemOf({ target, task, success, facts }: Understanding, name: string): Problem {
  const { metric, direction, threshold } = success;
  return problemSchema.parse({
    version: 1,
    model: name,
    title: `Predict ${target}`.slice(0, 200),
    objective: 'To be written: what gets better for whom.',
    decision: 'To be written: what somebody does differently because of a prediction.',
    task,
    target,
    success: [{ metric, direction, threshold }],
    data: { min_rows: Math.floor(facts.rows.kept / 2) },
    stakeholders: [{ login: 'product-owner', role: 'product-owner' }],
  });
}
