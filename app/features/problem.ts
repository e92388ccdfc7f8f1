import { hexOf } from '#lib/formats/digest.ts';
import { problemDigest } from '#lib/formats/digests.ts';
import { draftProblem, type ProblemDraft } from '#lib/formats/issue-form.ts';
import { render } from '#lib/formats/markdown.ts';
import { skeletonFiles } from '#lib/formats/skeleton.ts';
import type { Issue } from '#lib/github/issues.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import { approvalRule } from '#lib/lifecycle/policy-rules.ts';
import type { Problem } from '#lib/lifecycle/problem.ts';
import { approvalRecordSchema, holdRecordSchema } from '#lib/lifecycle/records.ts';
import { listRecords, readRecord, recordPath } from '#lib/records/records.ts';
import { renderProblem } from '../../templates/cards.ts';
import { loadTemplate } from '../../templates/load.ts';
import { type Ask, type CountedAsk, countAsk } from '../approvals.ts';
import { readPolicy, readTree, type Tree } from '../model-tree.ts';
import type { On } from '../on.ts';
import { once } from '../once.ts';
import { decideProblem, type ProblemPlan } from '../problem-decision.ts';
import type { Project } from '../project.ts';
import { putSticky } from '../sticky.ts';
import { problemCommentView } from './problem-view.ts';
import { noteAsked, remind } from './reminder.ts';

export const PROBLEM_LABEL = 'ml-problem';

export function problem(on: On): void {
  on({
    events: ['issues.opened', 'issues.edited', 'issues.reopened', 'issues.labeled'],
    kind: 'issue',
    key: ({ number }) => `issue:${number}`,
    handle: (project, { number }) => syncProblem(project, number),
  });
}

type Stated = { issue: Issue; draft: ProblemDraft };

/** An open issue with the form's label, opened by a person; null for any other. */
async function readIssue({ forge }: Project, number: number): Promise<Issue | null> {
  const issue = await forge.issues.get(number);
  if (issue?.state !== 'open' || issue.is_pull_request || issue.author.type !== 'User') return null;
  return issue.labels.includes(PROBLEM_LABEL) ? issue : null;
}

function stateOf(issue: Issue, policy: Policy): Stated {
  const { number, title, created_at: opened } = issue;
  return { issue, draft: draftProblem(issue.body, { issue: number, title, opened, policy }) };
}

function askOf({ issue, draft }: Stated, policy: Policy): Ask | null {
  if (!draft.problem) return null;
  return {
    subject: 'problem',
    model: draft.problem.model,
    digest: problemDigest(draft.problem),
    rules: [{ name: 'problem', rule: approvalRule(policy, 'problem', { risk: draft.problem.risk }) }],
    author: issue.author.login,
    committers: [],
    causers: [],
  };
}

/** What can be approved on a problem issue now. */
export async function problemAsk(project: Project, number: number, policy: Policy): Promise<Ask | null> {
  const issue = await readIssue(project, number);
  return issue && askOf(stateOf(issue, policy), policy);
}

/** Answers a problem issue: what is missing, the framing, who has to approve; then the definition. */
export async function syncProblem(project: Project, number: number): Promise<void> {
  const issue = await readIssue(project, number);
  const head = issue && (await project.forge.trees.ref(`heads/${project.defaultBranch}`));
  if (!issue || !head) return;
  const tree = await readTree(project.forge.trees, head);
  const { policy } = await readPolicy(tree);
  const stated = stateOf(issue, policy);
  project.setPace(policy.pace.batch_seconds);
  const ask = askOf(stated, policy);
  const counted = ask && (await countAsk(project, { ask, others: [], policy }));
  const hold = await readRecord(project.state, recordPath.hold(number), holdRecordSchema);
  const wanted = stated.draft.problem;
  const plan = decideProblem({
    problem: wanted,
    approved: counted?.count.state === 'approved',
    held: hold?.held ?? false,
    isDefined: wanted !== null && tree.files.has(`models/${wanted.model}/problem.yml`),
    pull: wanted && (await findDefinition(project, wanted)),
  });
  const shown =
    plan.kind === 'define' && wanted && counted
      ? await define({ project, tree, policy, wanted, counted })
      : plan;
  if (plan.kind === 'proposed' && wanted) await settleClaim(project, wanted, plan.pull);
  if (counted && wanted && shown.kind === 'ask' && policy.reminders !== null)
    await noteAsked(project, { issue: number, digest: counted.digest, model: wanted.model });
  await putSticky(project.forge.comments, {
    issue: number,
    marker: { kind: 'problem', key: String(number) },
    body: render(
      loadTemplate('comments/problem.hbs'),
      problemCommentView({ draft: stated.draft, counted, hold, policy, plan: shown, owner: project.owner }),
    ),
    bot: project.bot,
  });
  if (counted && shown.kind === 'ask')
    await remind(project, { issue: number, ask: counted, policy, held: hold?.held ?? false });
}

/** A branch below `roundhouse/` can't be: git keeps refs as files, and `roundhouse` is one. */
function branchOf({ model }: Problem): string {
  return `roundhouse-define-${model}`;
}

async function findDefinition({ forge, bot }: Project, wanted: Problem): Promise<number | null> {
  const found = await forge.pulls.list({ state: 'all', head: branchOf(wanted) });
  return found.find(({ author }) => author.login === bot)?.number ?? null;
}

function claimKey({ model, issue }: Problem): string {
  return `define:${model}:${issue}`;
}

/** A process that was killed right after it had opened the pull request did not say so. */
async function settleClaim(project: Project, wanted: Problem, pull: number): Promise<void> {
  const found = async () => String(pull);
  await once(project, { key: claimKey(wanted), find: found, make: found });
}

/** The definition as one commit of the app, on a branch of its own, and the pull request that asks for it. */
async function define({
  project,
  tree,
  policy,
  wanted,
  counted,
}: {
  project: Project;
  tree: Tree;
  policy: Policy;
  wanted: Problem;
  counted: CountedAsk;
}): Promise<ProblemPlan> {
  const { forge, defaultBranch, state } = project;
  const branch = branchOf(wanted);
  const number = await once(project, {
    key: claimKey(wanted),
    find: async () => String((await findDefinition(project, wanted)) ?? '') || null,
    make: async () => {
      const records = await listRecords(state, recordPath.approvals(counted.digest), approvalRecordSchema);
      const document = renderProblem({ problem: wanted, digest: counted.digest, approvals: records });
      const [environment] = policy.environments;
      const commit = await forge.trees.write({
        parent: tree.sha,
        message: `Define ${wanted.model}`,
        changes: [
          ...skeletonFiles(wanted, { environment: environment?.name ?? 'production' }),
          { path: `models/${wanted.model}/PROBLEM.md`, text: document },
        ],
      });
      await forge.trees.createRef(`heads/${branch}`, commit);
      const pull = await forge.pulls.create({
        title: `Define ${wanted.model}`,
        body: render(loadTemplate('comments/definition.hbs'), {
          issue: wanted.issue,
          model: wanted.model,
          digest: hexOf(counted.digest).slice(0, 16),
          approvals: records.map(({ login, url }) => ({ login, url })),
        }),
        head: branch,
        base: defaultBranch,
      });
      return String(pull.number);
    },
    told: (pull) => ({
      event: 'pull request opened',
      actor: project.bot,
      subject: `#${pull}: define ${wanted.model}`,
      model: wanted.model,
      digest: counted.digest,
    }),
  });
  return number === null ? { kind: 'ask' } : { kind: 'proposed', pull: Number(number) };
}
