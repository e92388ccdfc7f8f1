import { hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import type { Check } from '#lib/github/checks.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import { loadTemplate } from '../../templates/load.ts';
import { type CountedAsk, countAsk, peopleToAsk } from '../approvals.ts';
import { commitCandidate } from '../candidate-commit.ts';
import type { On } from '../on.ts';
import type { Project } from '../project.ts';
import { type PullFacts, readPullFacts } from '../pull-facts.ts';
import { putSticky, sayOnce } from '../sticky.ts';
import { advance } from '../work.ts';
import { asksOf } from './asks.ts';
import { checksOf, decideChecks, type GateFacts, type GateModel, openGates } from './gate.ts';
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
  for (const { number } of await project.forge.pulls.list({ state: 'open' })) {
    await syncPullRequest(project, number);
  }
}

/**
 * Brings a pull request to what its head, the evidence and the approvals on record ask for: runs, locks,
 * checks, the comment. Null when it isn't open.
 */
export async function syncPullRequest(
  project: Project,
  number: number,
  { again = false }: { again?: boolean } = {},
): Promise<PullState | null> {
  for (let move = 0; move < MOVES; move += 1) {
    const pull = await project.forge.pulls.get(number);
    if (pull?.state !== 'open') return null;
    await announce(project, pull);
    const facts = await readPullFacts(project, pull);
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
  const asks = asksOf(project, facts, models);
  const others = asks.map(({ digest }) => digest);
  const counted: CountedAsk[] = [];
  for (const ask of asks) counted.push(await countAsk(project, { ask, others, policy: facts.policy }));
  return models.map((entry) => ({ ...entry, asks: counted.filter(({ model }) => model === entry.model) }));
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
  if (facts.touched.length === 0) return;
  const view = pullRequestView({ project, facts, models, findings });
  await putSticky(project.forge.comments, {
    issue: pull.number,
    marker: { kind: 'pull-request', key: String(pull.number) },
    body: render(loadTemplate('comments/pull-request.hbs'), view),
    bot: project.bot,
  });
  if (findings.gate.conclusion !== 'action_required') return;
  for (const { asks } of models) for (const ask of asks) await askPeople(project, facts, ask);
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
function originOf({ pull }: PullFacts, models: GateModel[]): Pick<Check, 'details_url' | 'external_id'> {
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
