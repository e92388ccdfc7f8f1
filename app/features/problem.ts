import { problemDigest } from '#lib/formats/digests.ts';
import { draftProblem, type ProblemDraft } from '#lib/formats/issue-form.ts';
import { render } from '#lib/formats/markdown.ts';
import type { Issue } from '#lib/github/issues.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import { approvalRule } from '#lib/lifecycle/policy-rules.ts';
import type { Problem } from '#lib/lifecycle/problem.ts';
import { holdRecordSchema } from '#lib/lifecycle/records.ts';
import { readRecord, recordPath } from '#lib/records/records.ts';
import { loadTemplate } from '../../templates/load.ts';
import { type Ask, countAsk } from '../approvals.ts';
import { readPolicy, readTree } from '../model-tree.ts';
import type { On } from '../on.ts';
import { decideProblem, type ProblemPlan } from '../problem-decision.ts';
import type { Project } from '../project.ts';
import { putSticky } from '../sticky.ts';
import { define, findDefinition, settleDefinition } from './problem-definition.ts';
import { trackProblem } from './problem-tracking.ts';
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

/** What was approved is tracked as soon as it is proposed; a definition that was turned down is not. */
async function track(project: Project, wanted: Problem, plan: ProblemPlan): Promise<number | null> {
  if (plan.kind !== 'proposed' || plan.differs || plan.pull.state === 'closed') return null;
  return trackProblem(project, { problem: wanted, pull: plan.pull.number });
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
    digest: counted?.digest ?? null,
    approved: counted?.count.state === 'approved',
    held: hold?.held ?? false,
    isDefined: wanted !== null && tree.files.has(`models/${wanted.model}/problem.yml`),
    pull: wanted && (await findDefinition(project, wanted, tree)),
  });
  const shown =
    plan.kind === 'define' && wanted && counted
      ? await define({ project, tree, policy, wanted, counted })
      : plan;
  if (plan.kind === 'proposed' && wanted) await settleDefinition(project, wanted, plan.pull);
  const tracking = wanted && (await track(project, wanted, shown));
  if (counted && wanted && shown.kind === 'ask' && policy.reminders !== null)
    await noteAsked(project, { issue: number, digest: counted.digest, model: wanted.model });
  await putSticky(project.forge.comments, {
    issue: number,
    marker: { kind: 'problem', key: String(number) },
    body: render(
      loadTemplate('comments/problem.hbs'),
      problemCommentView({
        draft: stated.draft,
        counted,
        hold,
        policy,
        plan: shown,
        tracking,
        owner: project.owner,
      }),
    ),
    bot: project.bot,
  });
  if (counted && shown.kind === 'ask')
    await remind(project, { issue: number, ask: counted, policy, held: hold?.held ?? false });
}
