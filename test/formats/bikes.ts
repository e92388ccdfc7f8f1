import { readFileSync } from 'node:fs';
import { type ConfigText, type ModelFiles, parseModelFiles } from '#lib/formats/config.ts';
import { printIssueForm } from '#lib/formats/form-answers.ts';
import { draftProblem } from '#lib/formats/issue-form.ts';
import { problemYaml } from '#lib/formats/skeleton.ts';
import type { Problem } from '#lib/lifecycle/problem.ts';
import { bikesAnswers } from '../../runners/local/demo/repository.ts';
import { fillPlaceholders, repositoryFiles } from '../../templates/repository.ts';
import { digest } from './sample-evidence.ts';

/** The demo's own files: what users see first is what the tests read. */
const folder = new URL('../../runners/local/demo/bikes/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');

/** When the issue of the bikes is opened in tests. */
export const OPENED = '2026-03-01T10:00:00Z';
export const options = { sha: 'a'.repeat(40), supervisor: 'http://127.0.0.1:4450', schedule: '23 5 * * *' };
export const answers = bikesAnswers(new Date(OPENED));

export function bikesProblem(): Problem {
  const { problem } = draftProblem(printIssueForm(answers), {
    ...{ issue: 1, title: 'ML problem: Bikes', opened: OPENED, policy: null },
  });
  if (!problem) throw new Error('the demo’s form answers do not make a problem');
  return problem;
}

export function bikesTexts(): { [Kind in keyof ModelFiles]: ConfigText } {
  const policy = repositoryFiles(options).find(({ path }) => path === '.github/roundhouse.yml');
  const file = (kind: string) => ({
    file: `models/bikes/${kind}.yml`,
    text: fillPlaceholders(read(`${kind}.yml`), { history: digest('8') }),
  });
  return {
    policy: { file: '.github/roundhouse.yml', text: policy?.text ?? '' },
    problem: { file: 'models/bikes/problem.yml', text: problemYaml(bikesProblem()) },
    data: file('data'),
    model: file('model'),
    operate: file('operate'),
  };
}

export function bikes(): ModelFiles {
  return parseModelFiles('bikes', bikesTexts());
}
