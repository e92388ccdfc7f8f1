import { parseConfig } from '#lib/formats/config.ts';
import { hexOf } from '#lib/formats/digest.ts';
import { problemDigest } from '#lib/formats/digests.ts';
import { render } from '#lib/formats/markdown.ts';
import { skeletonFiles } from '#lib/formats/skeleton.ts';
import type { AuditEvent } from '#lib/lifecycle/audit.ts';
import type { Policy } from '#lib/lifecycle/policy.ts';
import type { Problem } from '#lib/lifecycle/problem.ts';
import { approvalRecordSchema } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { listRecords, recordPath } from '#lib/records/records.ts';
import { renderProblem } from '../../templates/cards.ts';
import { loadTemplate } from '../../templates/load.ts';
import type { CountedAsk } from '../approvals.ts';
import { readTree, type Tree } from '../model-tree.ts';
import { once } from '../once.ts';
import type { Definition, ProblemPlan } from '../problem-decision.ts';
import type { Project } from '../project.ts';

/** A branch below `roundhouse/` can't be: git keeps refs as files, and `roundhouse` is one. */
function branchOf({ model }: Problem): string {
  return `roundhouse-define-${model}`;
}

/** The app's own pull request of that name. `main` is the default branch as it is now. */
export async function findDefinition(
  { forge, bot }: Project,
  wanted: Problem,
  main: Tree,
): Promise<Definition | null> {
  const found = await forge.pulls.list({ state: 'all', head: branchOf(wanted) });
  const pull = found.find(({ author }) => author.login === bot);
  if (!pull) return null;
  const { number, merged } = pull;
  const state = merged ? 'merged' : pull.state;
  const tree = state === 'open' ? await readTree(forge.trees, pull.head.sha) : main;
  return { number, state, problem: await problemIn(tree, wanted.model) };
}

function claimKey({ model, issue }: Problem): string {
  return `define:${model}:${issue}`;
}

async function problemIn(tree: Tree, model: string): Promise<Digest | null> {
  const file = `models/${model}/problem.yml`;
  const text = await tree.read(file);
  try {
    return text === null ? null : problemDigest(parseConfig('problem', { file, text }));
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** A process that was killed right after it had opened the pull request did not say so. */
export async function settleDefinition(project: Project, wanted: Problem, pull: Definition): Promise<void> {
  const found = async () => String(pull.number);
  const told = (number: string) => opened(project, wanted, { number, digest: pull.problem });
  await once(project, { key: claimKey(wanted), find: found, make: found, told });
}

function opened(
  { bot }: Project,
  { model }: Problem,
  { number, digest }: { number: string; digest: Digest | null },
): AuditEvent {
  return {
    event: 'pull request opened',
    actor: bot,
    subject: `#${number}: define ${model}`,
    model,
    ...(digest && { digest }),
  };
}

/** The definition as one commit of the app, on a branch of its own, and the pull request that asks for it. */
export async function define({
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
    find: async () => (await findDefinition(project, wanted, tree))?.number.toString() ?? null,
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
    told: (pull) => opened(project, wanted, { number: pull, digest: counted.digest }),
  });
  if (number === null) return { kind: 'ask' };
  return {
    kind: 'proposed',
    pull: { number: Number(number), state: 'open', problem: counted.digest },
    differs: false,
  };
}
