import { allOf } from '../all-of.ts';
import { commitCandidate } from '../candidate-commit.ts';
import { DONE, type Handler } from '../command.ts';
import { frozenReason } from '../freezes.ts';
import type { On } from '../on.ts';
import type { Project } from '../project.ts';
import { type PullFacts, readPullFacts } from '../pull-facts.ts';
import { endRequest, openRequests, pullsWithRequests } from '../request.ts';
import { advance } from '../work.ts';
import { type AskedCandidate, countAsks } from './asks.ts';
import { followFork } from './fork-merged.ts';
import { type GateModel, openGates } from './gate.ts';
import { announce, hasTwin, type PullState, show, showUnplanned } from './pull-request-show.ts';

/** A head that the app moves is read again; more than this means that somebody else moves it too. */
const MOVES = 3;

export function pullRequest(on: On): void {
  on({
    events: [
      'pull_request.opened',
      'pull_request.synchronize',
      'pull_request.reopened',
      'pull_request.closed',
      'pull_request.edited',
      'pull_request.ready_for_review',
      'pull_request.converted_to_draft',
    ],
    kind: 'pull-request',
    key: ({ number }) => `pull:${number}`,
    handle: async (project, { number }) => void (await syncPullRequest(project, number)),
  });
  on({
    events: [
      'workflow_run.in_progress',
      'workflow_run.completed',
      'check_run.rerequested',
      'check_suite.rerequested',
    ],
    kind: ['run', 'check-asked-again'],
    key: () => 'pulls',
    handle: (project) => syncOpenPullRequests(project),
  });
}

/** Those to one branch, or all; then also what runs for those that were closed in the meantime is ended. */
export async function syncOpenPullRequests(project: Project, base: string | null = null): Promise<void> {
  const filter = base === null ? {} : { base };
  const open = (await project.forge.pulls.list({ state: 'open', ...filter })).map(({ number }) => number);
  const closed =
    base === null ? (await pullsWithRequests(project)).filter((pull) => !open.includes(pull)) : [];
  const sync = (number: number) => () => syncPullRequest(project, number);
  await allOf([...open, ...closed].map(sync));
}

/**
 * Brings a pull request to what its head, the evidence and the approvals on record ask for: runs, locks,
 * checks, the comment. Null when it isn't open, or nothing of it is planned.
 */
export async function syncPullRequest(
  project: Project,
  number: number,
  { again = false }: { again?: boolean } = {},
): Promise<PullState | null> {
  for (let move = 0; move < MOVES; move += 1) {
    const pull = await project.forge.pulls.get(number);
    if (pull?.state !== 'open') return endRuns(project, number, 'the pull request is closed');
    if (await hasTwin(project, pull))
      return endRuns(project, number, 'the same head is proposed to the default branch');
    await announce(project, pull);
    const facts = await readPullFacts(project, pull);
    if ('reason' in facts) {
      await followFork(project, pull);
      return showUnplanned(project, pull, facts);
    }
    // Merged while it was read, it conflicts with a base that holds it already.
    const isStale =
      facts.merge.state === 'conflict' && (await project.forge.pulls.get(number))?.state !== 'open';
    if (isStale) continue;
    const state = await readState(project, facts, again);
    if (state === 'moved') continue;
    if (facts.merge.state === 'pending') return state;
    await endSuperseded(project, facts, state.models);
    await show(project, state);
    return state;
  }
  throw new Error(`the head of #${number} moved ${MOVES} times while its locks were written`);
}

/** What runs for another state than the one that is planned now is not worth its hours: nobody takes what it finds. */
async function endSuperseded(
  project: Project,
  { pull, merge }: PullFacts,
  models: GateModel[],
): Promise<void> {
  const wanted = models.flatMap(({ standing }) =>
    standing.state === 'working' ? [standing.request_id] : [],
  );
  const isOld = models.some(({ standing }) => standing.state === 'out-of-date') || merge.state === 'conflict';
  const why = isOld ? 'the pull request is out of date' : 'something else is asked for now';
  await endRuns(project, pull.number, `${why} (head ${pull.head.sha.slice(0, 12)})`, wanted);
}

/** `/plan`: what failed by a fault is tried again. */
export const plan: Handler<'plan'> = async ({ project, comment }) => {
  await syncPullRequest(project, comment.issue, { again: true });
  return DONE;
};

async function endRuns(project: Project, pull: number, why: string, wanted: string[] = []): Promise<null> {
  const old = (await openRequests(project, pull)).filter(({ request_id }) => !wanted.includes(request_id));
  for (const request of old) {
    await endRequest(project, request, { outcome: 'superseded', note: `superseded: ${why}` });
  }
  return null;
}

async function readState(project: Project, facts: PullFacts, again: boolean): Promise<PullState | 'moved'> {
  const models: GateModel[] = [];
  for (const model of facts.models) {
    const standing = await advance({ project, facts, model, again });
    const frozen =
      standing.state === 'judged'
        ? await frozenReason(project, model.name, standing.evidence.record.candidate)
        : null;
    const isOpen = standing.state === 'judged' && !standing.committed && frozen === null;
    if (isOpen && isLockable(standing)) {
      await commitCandidate({ project, facts, model, standing });
      return 'moved';
    }
    models.push({ model: model.name, standing, asks: [], frozen });
  }
  for (const { name } of facts.removed) {
    models.push({ model: name, standing: { state: 'removed' }, asks: [], frozen: null });
  }
  const counted = await countAsks(project, {
    ...facts,
    branch: facts.pull.head.ref,
    head: facts.merge.state === 'ready' ? facts.merge.base : facts.pull.base.sha,
    models: facts.models.map(({ name, merged }) => ({
      name,
      merged,
      candidate: candidateOf(models.find(({ model }) => model === name)),
    })),
  });
  const asksOf = (model: string | null) => counted.filter((ask) => ask.model === model);
  return {
    facts,
    models: models.map((entry) => ({ ...entry, asks: asksOf(entry.model) })),
    asks: asksOf(null),
  };
}

function candidateOf(entry: GateModel | undefined): AskedCandidate | null {
  if (entry?.standing.state !== 'judged' || !entry.standing.committed || entry.frozen) return null;
  const { overrides } = entry.standing;
  const { record, data, evaluate } = entry.standing.evidence;
  const { contract } = data.predicate.result;
  return {
    digest: record.candidate,
    result: evaluate.predicate.result,
    contract: contract.verdict,
    overrides,
  };
}

/** A candidate that a gate stops gets no locks: there is nothing that could be merged. */
function isLockable({ evidence, overrides }: Extract<GateModel['standing'], { state: 'judged' }>): boolean {
  return openGates(evidence.evaluate.predicate.result, overrides).blocking.length === 0;
}
