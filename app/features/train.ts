import { editModelYaml, parseConfig } from '#lib/formats/config.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import type { Assignment } from '#lib/lifecycle/command-arguments.ts';
import { type ParameterChange, parameterChanges } from '#lib/lifecycle/parameters.ts';
import { modelsTouched } from '#lib/lifecycle/plan-decision.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { goOn, putCommit } from '../asked-commit.ts';
import { type CommandSetting, DONE, type Handler, type Outcome, refused } from '../command.ts';
import { readTree, type Tree } from '../model-tree.ts';
import type { Standing } from '../standing.ts';
import { budgetWords } from './gate.ts';
import { syncPullRequest } from './pull-request.ts';

/**
 * `/train`: parameters become a commit to model.yml of the branch, so that what is trained stands in git and is
 * judged like any other change; whoever asked for it approves nothing of it.
 */
export const train: Handler<'train'> = async (setting, { parameters }) => {
  const { project, comment } = setting;
  if (parameters.length === 0) return tryAgain(setting, 'train');
  const outcome = await setParameters(setting, parameters);
  if (outcome.ok) await syncPullRequest(project, comment.issue, { again: true });
  return outcome;
};

/** `/evaluate`: the same inputs have one verdict, so a look at the holdout is never spent on asking for it again. */
export const evaluate: Handler<'evaluate'> = (setting) => tryAgain(setting, 'evaluate');

/** Commits other parameters to the branch; the caller brings the pull request up to date. */
export async function setParameters(
  setting: Pick<CommandSetting, 'project' | 'comment'>,
  parameters: readonly Assignment[],
): Promise<Outcome> {
  const { project, comment } = setting;
  const pull = await project.forge.pulls.get(comment.issue);
  const putting = { event: 'parameters set', refusalOf, textOf } as const;
  const begun = pull && (await goOn(setting, { pull, ...putting }));
  if (begun) return begun;
  if (pull?.state !== 'open') return refused('it belongs on an open pull request');
  if (!pull.head.same_repository) {
    return refused(
      'the app never pushes to forks: change model.yml there, or `/ok-to-train` the commit first',
    );
  }
  const touched = modelsTouched(await project.forge.pulls.paths(pull.number));
  const [name] = touched;
  if (name === undefined) return refused('this pull request touches no model');
  if (touched.length > 1) {
    return refused(
      `this pull request touches ${touched.join(', ')}: change the model.yml of one in a commit`,
    );
  }
  const head = await readTree(project.forge.trees, pull.head.sha);
  const found = await editOf(head, name, parameters);
  if ('refusal' in found) return refused(found.refusal);
  const { path, text, changes } = found;
  if (changes.length === 0) return refused(`model.yml of ${name} says so already`);
  const commit = await project.forge.trees.write({
    parent: pull.head.sha,
    message: `Train ${name} with ${changes.map(changeText).join(', ')}`,
    changes: [{ path, text }],
  });
  return putCommit(setting, { pull, commit, ...putting });
}

function textOf(message: string): string {
  return message.replace(/^Train \S+ with /, '');
}

type Edit = { path: string; text: string; changes: ParameterChange[] };

async function editOf(
  head: Tree,
  model: string,
  parameters: readonly Assignment[],
): Promise<Edit | { refusal: string }> {
  const path = `models/${model}/model.yml`;
  const text = await head.read(path);
  if (text === null) return { refusal: `the branch has no ${path}` };
  try {
    const found = parameterChanges(parseConfig('model', { file: path, text }), parameters);
    if (typeof found === 'string') return { refusal: found };
    return { path, text: editModelYaml({ file: path, text }, found.changes), ...found };
  } catch (error) {
    if (error instanceof UserError) return { refusal: error.message };
    throw error;
  }
}

function changeText({ name, before, after }: ParameterChange): string {
  const was = before === undefined ? '' : ` (was ${JSON.stringify(before)})`;
  return `${name} = ${JSON.stringify(after)}${was}`;
}

function refusalOf({ head }: PullRequest): string {
  return `GitHub lets no app move ${head.ref}: change model.yml in a commit of yours`;
}

async function tryAgain({ project, comment }: CommandSetting, stage: 'train' | 'evaluate'): Promise<Outcome> {
  const before = await syncPullRequest(project, comment.issue);
  const wanted = (standing: Standing) =>
    standing.state === 'waiting' || (standing.state === 'fault' && isOf(stage, standing.stage));
  const isTried = before?.models.some(({ standing }) => wanted(standing)) ?? false;
  const state = isTried ? await syncPullRequest(project, comment.issue, { again: true }) : before;
  if (state === null || state.models.length === 0) return refused('nothing is planned for this pull request');
  const reasons = state.models.flatMap(({ model, standing }) => {
    const reason = reasonAgainst(stage, standing);
    return reason === null ? [] : [`${model}: ${reason}`];
  });
  return reasons.length < state.models.length ? DONE : refused(reasons.join('; '));
}

/** Data and training are one run. */
function isOf(asked: 'train' | 'evaluate', stage: 'data' | 'train' | 'evaluate'): boolean {
  return (asked === 'evaluate') === (stage === 'evaluate');
}

/** Why a command did nothing for a model; null where its stage runs, or runs again. */
function reasonAgainst(stage: 'train' | 'evaluate', standing: Standing): string | null {
  switch (standing.state) {
    case 'working':
      if (isOf(stage, standing.stage)) return null;
      return stage === 'train'
        ? 'it is trained already and being judged; other parameters need a name and a value, such as `/train l2=0.01`'
        : 'it is not trained yet: it is judged as soon as it is';
    case 'judged':
      return stage === 'train'
        ? 'it is trained already, and the same inputs make the same model; name other parameters, such as `/train l2=0.01`'
        : 'it is judged already by these gates, beside this champion: the same inputs have the same verdict, and a look at the holdout is not spent on it';
    case 'over-budget':
      return isOf(stage, standing.stage)
        ? `it waits for the budget: ${budgetWords(standing)}; it starts by itself then`
        : 'it is not trained yet: it waits for the budget';
    case 'waiting':
      return standing.reasons.join('; ');
    case 'fault':
      return `${standing.note}; \`/plan\` tries again`;
    case 'definition':
    case 'out-of-date':
      return standing.reason;
    case 'data-failed':
      return 'the data break their contract';
    case 'untouched':
      return 'nothing that decides on the model changes here';
    case 'removed':
      return 'it is removed';
  }
}
