import { hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import type { Check } from '#lib/github/checks.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import { modelsTouched } from '#lib/lifecycle/plan-decision.ts';
import { loadTemplate } from '../../templates/load.ts';
import { allOf } from '../all-of.ts';
import { type CountedAsk, peopleToAsk } from '../approvals.ts';
import { commitCandidate } from '../candidate-commit.ts';
import type { On } from '../on.ts';
import type { Project } from '../project.ts';
import { type PullFacts, readPullFacts, type Unplanned } from '../pull-facts.ts';
import { putSticky, sayOnce } from '../sticky.ts';
import { advance } from '../work.ts';
import { type AskedCandidate, countAsks } from './asks.ts';
import {
  type CheckName,
  checksOf,
  decideChecks,
  type Finding,
  type GateFacts,
  type GateModel,
  openGates,
  unplannedChecks,
} from './gate.ts';
import { pullRequestView } from './pull-request-view.ts';

/** A head that the app moves is read again; more than this means that somebody else moves it too. */
const MOVES = 3;

export type PullState = { facts: PullFacts; models: GateModel[]; gate: GateFacts };

export function pullRequest(on: On): void {
  on({
    events: [
      'pull_request.opened',
      'pull_request.synchronize',
      'pull_request.reopened',
      'pull_request.edited',
      'pull_request.ready_for_review',
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
    handle: syncOpenPullRequests,
  });
}

export async function syncOpenPullRequests(project: Project): Promise<void> {
  const open = await project.forge.pulls.list({ state: 'open' });
  await allOf(
    open.map(
      ({ number }) =>
        () =>
          syncPullRequest(project, number),
    ),
  );
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
    if (pull?.state !== 'open') return null;
    if (pull.base.ref !== project.defaultBranch) return standAside(project, pull);
    await announce(project, pull);
    const facts = await readPullFacts(project, pull);
    if ('reason' in facts) return showUnplanned(project, pull, facts);
    const models = await readModels(project, facts, again);
    if (models === 'moved') continue;
    const gate = {
      conflict: facts.merge.state === 'conflict',
      faults: facts.faults,
      hold: facts.hold,
      models,
    };
    const state = { facts, models, gate };
    if (facts.merge.state !== 'pending') await show(project, state);
    return state;
  }
  throw new Error(`the head of #${number} moved ${MOVES} times while its locks were written`);
}

/**
 * A branch of somebody's own has workflows and a policy of his own: nothing is judged by them. Checks belong to
 * a head, so one that is proposed to the default branch too keeps those that were made for that.
 */
async function standAside(project: Project, pull: PullRequest): Promise<null> {
  const { forge, defaultBranch } = project;
  const planned = await forge.pulls.list({ state: 'open', base: defaultBranch });
  if (planned.some(({ head }) => head.sha === pull.head.sha)) return null;
  const reason = `only pull requests to ${defaultBranch} are planned`;
  const findings = unplannedChecks({ isWrong: false, reason, faults: [] });
  await postChecks(project, pull.head.sha, checksOf(findings, originOf({ pull }, [])));
  return null;
}

async function showUnplanned(project: Project, pull: PullRequest, unplanned: Unplanned): Promise<null> {
  const { isWrong, faults } = unplanned;
  const findings = unplannedChecks(unplanned);
  await postChecks(project, pull.head.sha, checksOf(findings, originOf({ pull }, [])));
  if (isWrong) await putComment(project, { pull, faults, hold: null, models: [] }, { models: [], findings });
  return null;
}

/** A required check that is missing waits for ever: the gate stands on every head before anything is read. */
async function announce({ forge }: Project, pull: PullRequest): Promise<void> {
  const posted = await forge.checks.list(pull.head.sha);
  if (posted.some(({ name }) => name === 'roundhouse/gate')) return;
  const check = { title: 'planning', summary: 'planning', conclusion: null };
  await forge.checks.create(pull.head.sha, {
    name: 'roundhouse/gate',
    ...check,
    details_url: pull.url,
    external_id: null,
  });
}

async function readModels(
  project: Project,
  facts: PullFacts,
  again: boolean,
): Promise<GateModel[] | 'moved'> {
  const models: GateModel[] = [];
  for (const model of facts.models) {
    const standing = await advance({ project, facts, model, again });
    if (standing.state === 'judged' && !standing.committed && isLockable(standing)) {
      await commitCandidate({ project, facts, model, standing });
      return 'moved';
    }
    models.push({ model: model.name, standing, asks: [] });
  }
  for (const { name } of facts.removed) {
    models.push({ model: name, standing: { state: 'removed' }, asks: [] });
  }
  const counted = await countAsks(project, {
    ...facts,
    head: facts.merge.state === 'ready' ? facts.merge.base : facts.pull.base.sha,
    models: facts.models.map(({ name, merged }) => ({
      name,
      merged,
      candidate: candidateOf(models.find(({ model }) => model === name)),
    })),
  });
  return models.map((entry) => ({ ...entry, asks: counted.filter(({ model }) => model === entry.model) }));
}

function candidateOf(entry: GateModel | undefined): AskedCandidate | null {
  if (entry?.standing.state !== 'judged' || !entry.standing.committed) return null;
  const { record, evaluate } = entry.standing.evidence;
  return { digest: record.candidate, result: evaluate.predicate.result };
}

/** A candidate that a gate stops gets no locks: there is nothing that could be merged. */
function isLockable({ evidence }: Extract<GateModel['standing'], { state: 'judged' }>): boolean {
  return openGates(evidence.evaluate.predicate.result).blocking.length === 0;
}

async function show(project: Project, state: PullState): Promise<void> {
  const { facts, models, gate } = state;
  const { pull } = facts;
  const findings = decideChecks(gate);
  await postChecks(project, pull.head.sha, checksOf(findings, originOf(facts, models)));
  if (models.length === 0 && facts.faults.length === 0 && modelsTouched(facts.paths).length === 0) return;
  await putComment(project, facts, { models, findings });
  if (findings.gate.conclusion !== 'action_required') return;
  for (const { asks } of models) for (const ask of asks) await askPeople(project, facts, ask);
}

async function putComment(
  { forge, bot }: Project,
  facts: Pick<PullFacts, 'pull' | 'faults' | 'hold' | 'models'>,
  { models, findings }: { models: GateModel[]; findings: Record<CheckName, Finding> },
): Promise<void> {
  await putSticky(forge.comments, {
    issue: facts.pull.number,
    marker: { kind: 'pull-request', key: String(facts.pull.number) },
    body: render(loadTemplate('comments/pull-request.hbs'), pullRequestView({ facts, models, findings })),
    bot,
  });
}

/** Edits notify nobody, so a question to people is a comment of its own: one per digest. */
async function askPeople(project: Project, { pull, policy }: PullFacts, ask: CountedAsk): Promise<void> {
  if (ask.count.missing.length === 0) return;
  const digest = hexOf(ask.digest);
  await sayOnce(project.forge.comments, {
    issue: pull.number,
    marker: { kind: 'ask', key: digest },
    bot: project.bot,
    body: () =>
      render(loadTemplate('comments/ask-approval.hbs'), {
        subject: ask.subject,
        about: ask.about ?? [],
        model: ask.model,
        digest: digest.slice(0, 16),
        missing: ask.count.missing.map(({ rule, count, roles }) => ({
          rule,
          count,
          roles: roles.join(' or '),
        })),
        people: peopleToAsk(ask, policy, project.owner),
      }),
  });
}

async function postChecks({ forge }: Project, head: string, checks: Check[]): Promise<void> {
  const posted = await forge.checks.list(head);
  for (const check of checks) {
    const known = posted.find(({ name }) => name === check.name);
    if (!known) await forge.checks.create(head, check);
    else if (!sameCheck(known, check)) await forge.checks.update(known.id, check);
  }
}

function sameCheck(a: Check, b: Check): boolean {
  const told = ({ title, conclusion, details_url, external_id }: Check) =>
    JSON.stringify([title, conclusion, details_url, external_id]);
  return told(a) === told(b);
}

/** The run behind the checks: the one that works, or the one that judged. */
function originOf(
  { pull }: Pick<PullFacts, 'pull'>,
  models: GateModel[],
): Pick<Check, 'details_url' | 'external_id'> {
  for (const { standing } of models) {
    const [run, external_id] =
      standing.state === 'judged'
        ? [standing.evidence.record.run.id, standing.evidence.record.request_id]
        : standing.state === 'working'
          ? [standing.run, standing.request_id]
          : [null, null];
    if (run !== null) return { details_url: runUrl(pull, run), external_id };
  }
  return { details_url: pull.url, external_id: null };
}

export function runUrl(pull: PullRequest, run: number): string {
  return pull.url.replace(/\/pull\/\d+$/, `/actions/runs/${run}`);
}
