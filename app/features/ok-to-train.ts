import { render } from '#lib/formats/markdown.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import { isWorkflowsRefusal } from '#lib/github/repository.ts';
import type { Trees } from '#lib/github/trees.ts';
import { type ForkRecord, forkRecordSchema } from '#lib/lifecycle/records.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { loadTemplate } from '../../templates/load.ts';
import { DONE, type Handler, type Outcome, refused } from '../command.ts';
import { refusalOfFork } from '../fork-decision.ts';
import { forkBranch } from '../forks.ts';
import { once } from '../once.ts';
import type { Project } from '../project.ts';
import { syncPullRequest } from './pull-request.ts';

/**
 * `/ok-to-train`: brings one commit of a fork into a branch of this repository, where it goes the way of any other
 * change. The fork's author stays its author. A later push to the fork runs nothing until it is let in as well.
 */
export const okToTrain: Handler<'ok-to-train'> = async ({ project, comment }, { sha }) => {
  const { pulls } = project.forge;
  const pull = await pulls.get(comment.issue);
  if (!pull) return refused('it belongs on an open pull request');
  const { login } = comment.author;
  const path = recordPath.fork(pull.number, comment.id);
  const mine = await readRecord(project.state, path, forkRecordSchema);
  const ruled = pull.head.sha === sha ? await ruledFiles(project, pull) : [];
  const refusal = refusalOfFork({ pull, sha, login, ruled });
  if (refusal !== null) return refused(refusal);
  const record: ForkRecord = mine ?? {
    kind: 'roundhouse-fork',
    fork: pull.number,
    sha,
    author: pull.author.login,
    login,
    comment: comment.id,
    url: comment.url,
    at: comment.created_at,
  };
  // Before anything of it runs: who wrote it and who let it in approve nothing of what comes of it.
  await project.state.write({
    changes: [{ path, text: recordText(record) }],
    audit: { event: 'let in', actor: login, subject: `${sha} of #${pull.number}`, url: comment.url },
  });
  return letIn(project, pull, { record, isBegun: mine !== null });
};

/** What decides on what runs, and for whom: a fork changes none of it. All files are compared, not GitHub's list of at most 3,000. */
async function ruledFiles({ forge: { trees } }: Project, { head, base }: PullRequest): Promise<string[]> {
  const tip = (await trees.ref(`heads/${base.ref}`)) ?? base.sha;
  const [then, now] = [await trees.files(await trees.mergeBase(tip, head.sha)), await trees.files(head.sha)];
  const before = new Map(then.map(({ path, sha }) => [path, sha]));
  const after = new Map(now.map(({ path, sha }) => [path, sha]));
  const paths = [...new Set([...before.keys(), ...after.keys()])];
  return paths.filter((path) => path.startsWith('.github/') && before.get(path) !== after.get(path)).sort();
}

/** `isBegun`: this comment was at it before, and was killed. */
type Letting = { record: ForkRecord; isBegun: boolean };

async function letIn(project: Project, pull: PullRequest, letting: Letting): Promise<Outcome> {
  const { record } = letting;
  const { forge, bot } = project;
  const branch = forkBranch(record.fork);
  const moved = await moveBranch(project, branch, letting);
  if (moved !== null) return refused(moved);
  const made = await once(project, {
    key: `fork:${record.fork}:${record.comment}`,
    find: async () => {
      const open = await forge.pulls.list({ state: 'open', head: branch });
      return String(open.find(({ author }) => author.login === bot)?.number ?? '') || null;
    },
    make: async () => {
      const title = `#${record.fork} of ${record.author}'s fork`;
      const body = render(loadTemplate('comments/fork.hbs'), { ...record, title: pull.title });
      return String((await forge.pulls.create({ title, body, head: branch, base: pull.base.ref })).number);
    },
    told: (number) => ({
      event: 'pull request opened',
      actor: bot,
      subject: `#${number}: #${record.fork} of ${record.author}'s fork at ${record.sha}`,
      url: record.url,
    }),
  });
  if (made === null) throw new Error(`another process lets ${record.sha} in`);
  await syncPullRequest(project, Number(made));
  const view = { pull: Number(made), sha: record.sha.slice(0, 12) };
  return { ...DONE, shown: render(loadTemplate('comments/fork-taken.hbs'), view) };
}

/**
 * A commit of the app's own with the tree of what was let in: the checks of the two pull requests stand on heads of
 * their own, and the branch only ever goes forward. Once for a comment: after a crash the evidence of what was let
 * in may lie on it already. Text = why GitHub refuses it.
 */
async function moveBranch(
  project: Project,
  branch: string,
  { record, isBegun }: Letting,
): Promise<string | null> {
  const { trees } = project.forge;
  const { sha, fork, comment } = record;
  const name = `heads/${branch}`;
  try {
    const moved = await once(project, {
      key: `let-in:${fork}:${comment}`,
      find: async () =>
        findLetIn(trees, { tip: await trees.ref(name), record, most: isBegun ? FAR_BACK : 1 }),
      make: async () => {
        const tip = await trees.ref(name);
        const parents = tip === null ? { parent: sha } : { parent: tip, merged: sha, onto: sha };
        const commit = await trees.write({ ...parents, message: messageOf(record), changes: [] });
        const isThere =
          tip === null ? await trees.createRef(name, commit) : await trees.moveRef(name, commit);
        if (!isThere) throw new Error(`the branch ${branch} moved while ${sha} was let in`);
        return commit;
      },
      told: (commit) => ({
        event: 'branch moved',
        actor: project.bot,
        subject: `${branch} to ${commit}, with the files of ${sha}`,
        url: record.url,
      }),
    });
    if (moved === null) throw new Error(`another process lets ${sha} in`);
    return null;
  } catch (error) {
    if (!isWorkflowsRefusal(error)) throw error;
    return 'GitHub lets no app make a branch with other workflow files than a branch here has: merge the base into the fork, then name the new head';
  }
}

const titleOf = (fork: number) => `Let #${fork} in at `;

function messageOf({ fork, sha, author, login }: ForkRecord): string {
  const coauthor = `Co-authored-by: ${author} <${author}@users.noreply.github.com>`;
  return `${titleOf(fork)}${sha}\n\n${login} let it in.\n\n${coauthor}`;
}

/** More than the app itself puts on a branch between letting it in and saying so. */
const FAR_BACK = 20;

/**
 * The first of the branch's `most` newest commits that let anything in, if it is this commit's. A message can be
 * written by anybody: what counts is that it holds just the files that were let in.
 */
async function findLetIn(
  trees: Pick<Trees, 'commit'>,
  { tip, record: { fork, sha }, most }: { tip: string | null; record: ForkRecord; most: number },
): Promise<string | null> {
  const { tree } = await trees.commit(sha);
  for (let at = tip, back = 0; at !== null && at !== sha && back < most; back += 1) {
    const commit = await trees.commit(at);
    if (commit.message.startsWith(titleOf(fork))) {
      const isThis = commit.message.startsWith(`${titleOf(fork)}${sha}`) && commit.tree === tree;
      return isThis ? at : null;
    }
    at = commit.parents[0] ?? null;
  }
  return null;
}
