import type { PullRequest } from '#lib/github/pulls.ts';
import {
  type DecisionRecord,
  decideWay,
  decisionFile,
  decisionNumber,
  decisionRecordSchema,
  decisionTitle,
  nextDecision,
  splitDecision,
} from '#lib/lifecycle/decision.ts';
import { modelsTouched } from '#lib/lifecycle/plan-decision.ts';
import { listRecords, recordPath, recordText } from '#lib/records/records.ts';
import { renderDecision } from '../../templates/cards.ts';
import { type CommandSetting, type Handler, type Outcome, refused } from '../command.ts';
import { type MainTree, readMain } from '../main-tree.ts';
import { modelAsked, modelHere } from '../model-asked.ts';
import { readTree } from '../model-tree.ts';
import { once } from '../once.ts';
import { syncPullRequest } from './pull-request.ts';

/** Of processes that want a number at the same time, each is beaten at most by all others once. */
const TRIES = 8;

/**
 * `/decide`: a decision record of a model, as a file beside its code. The number is given by a record, so that two
 * pull requests that are open at once have two numbers; the file follows from the record, also after a crash.
 */
export const decide: Handler<'decide'> = async (setting, { text: typed }) => {
  const { project } = setting;
  const main = await readMain(project);
  if (!main) return refused('the default branch has no usable policy');
  const names = main.models.map(({ name }) => name);
  const { named, text } = splitDecision(typed, names);
  const here = await modelHere(setting, main);
  const model = modelAsked(main, { named, here, example: (name) => `/decide ${name}: ${text}` });
  if (typeof model === 'string') return refused(model);
  const pull = setting.isPull ? await project.forge.pulls.get(setting.comment.issue) : null;
  const record = await recordOf(setting, { model: model.name, text, main, pull });
  return write(setting, { main, record, pull });
};

/** What this comment decided already, else a new record under the next free number. */
async function recordOf(
  { project, comment }: CommandSetting,
  { model, text, main, pull }: { model: string; text: string; main: MainTree; pull: PullRequest | null },
): Promise<DecisionRecord> {
  const { state, forge } = project;
  const files = [...main.tree.files.keys()];
  if (pull?.head.same_repository) {
    files.push(...(await forge.trees.files(pull.head.sha)).map(({ path }) => path));
  }
  const inFiles = files.flatMap((path) => decisionNumber(path, model) ?? []);
  for (let tried = 0; tried < TRIES; tried += 1) {
    const known = await listRecords(state, recordPath.decisions(model), decisionRecordSchema);
    const mine = known.find((one) => one.comment === comment.id && one.text === text);
    if (mine) return mine;
    const title = decisionTitle(text);
    const n = nextDecision([...inFiles, ...known.map((one) => one.n)]);
    const { id, issue, url, author, created_at } = comment;
    const record: DecisionRecord = {
      kind: 'roundhouse-decision',
      ...{ model, n, title, text, login: author.login, comment: id, issue, url, at: created_at },
    };
    const path = recordPath.decision(model, n);
    const outcome = await state.write({
      changes: [{ path, text: recordText(record) }],
      fresh: [path],
      audit: {
        event: 'decided',
        actor: author.login,
        subject: `${model} decision ${n}: ${title}`,
        ...{ model, note: text, url },
      },
    });
    if (outcome.kind === 'written') return record;
    await state.refresh();
  }
  throw new Error(`other processes took ${TRIES} numbers for decisions of ${model} meanwhile`);
}

type Writing = { main: MainTree; record: DecisionRecord; pull: PullRequest | null };

async function write(setting: CommandSetting, writing: Writing): Promise<Outcome> {
  const { main, record, pull } = writing;
  const { forge } = setting.project;
  const file = decisionFile(record);
  const touched = pull ? modelsTouched(await forge.pulls.paths(pull.number)) : [];
  const way = decideWay({
    isThere: main.tree.files.has(file),
    policy: main.policy.decisions,
    pull: pull && {
      isOpen: pull.state === 'open',
      isOwnBranch: pull.head.same_repository,
      touchesModel: touched.includes(record.model),
    },
  });
  const what = `decision ${record.n} of ${record.model}`;
  if (way === 'there') return { ok: true, text: `${what} is in ${file}` };
  if (way === 'commit' && pull && (await commitTo(setting, { ...writing, pull }))) {
    await syncPullRequest(setting.project, pull.number);
    return { ok: true, text: `${what} is in ${file} of this pull request` };
  }
  const number = await propose(setting, writing);
  if (number === null) return { ok: true, text: `${what} is on record; its pull request is being opened` };
  return { ok: true, text: `${what} is on record; #${number} puts it into ${file}` };
}

/** Onto the branch as it is now; false where it moves faster than that. */
async function commitTo(
  setting: CommandSetting,
  { record, pull }: Writing & { pull: PullRequest },
): Promise<boolean> {
  const { trees } = setting.project.forge;
  const path = decisionFile(record);
  for (let tried = 0; tried < TRIES; tried += 1) {
    const head = await trees.ref(`heads/${pull.head.ref}`);
    if (head === null) return false;
    if ((await readTree(trees, head)).files.has(path)) return true;
    const commit = await trees.write({
      parent: head,
      message: messageOf(record),
      changes: [{ path, text: await textOf(setting, record) }],
    });
    if (await trees.moveRef(`heads/${pull.head.ref}`, commit)) return true;
  }
  return false;
}

/** A pull request of its own. Null where another process is at it. */
async function propose(setting: CommandSetting, { main, record }: Writing): Promise<string | null> {
  const { project } = setting;
  const { forge, defaultBranch, bot } = project;
  const branch = `roundhouse-decide-${record.model}-${record.n}`;
  // People's words in it would be a commit message once it is squashed, where "closes #1" closes.
  const title = `Decision ${record.n} of ${record.model}`;
  return once(project, {
    key: `decide:${record.model}:${record.n}`,
    find: async () => {
      const known = await forge.pulls.list({ state: 'all', head: branch });
      const mine = known.find(({ author }) => author.login === bot);
      return mine ? String(mine.number) : null;
    },
    make: async () => {
      const body = await textOf(setting, record);
      const commit = await forge.trees.write({
        parent: main.head,
        message: messageOf(record),
        changes: [{ path: decisionFile(record), text: body }],
      });
      await forge.trees.createRef(`heads/${branch}`, commit);
      return String((await forge.pulls.create({ title, body, head: branch, base: defaultBranch })).number);
    },
    told: (number) => ({
      event: 'pull request opened',
      actor: bot,
      subject: `#${number}: ${title}`,
      model: record.model,
    }),
  });
}

function messageOf({ model, n }: DecisionRecord): string {
  return `Record decision ${n} of ${model}`;
}

/** Of the record and of what it was said in, so that whoever writes it writes the same. */
async function textOf({ project, isPull }: CommandSetting, record: DecisionRecord): Promise<string> {
  const issue = await project.forge.issues.get(record.issue);
  return renderDecision({ record, about: { title: issue?.title ?? '', isPull } });
}
