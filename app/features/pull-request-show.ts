import { hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import type { Check } from '#lib/github/checks.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import { modelsTouched } from '#lib/lifecycle/plan-decision.ts';
import { loadTemplate } from '../../templates/load.ts';
import { type CountedAsk, peopleToAsk } from '../approvals.ts';
import type { Project } from '../project.ts';
import type { PullFacts, Unplanned } from '../pull-facts.ts';
import { putSticky, sayOnce } from '../sticky.ts';
import {
  type CheckName,
  checksOf,
  decideChecks,
  type Finding,
  type GateModel,
  unplannedChecks,
} from './gate.ts';
import { pullRequestView, type ShownFacts } from './pull-request-view.ts';

/** `asks`: what is to be approved apart from any model. */
export type PullState = { facts: PullFacts; models: GateModel[]; asks: CountedAsk[] };

/** A required check that is missing waits for ever: the gate stands on every head before anything is read. */
export async function announce({ forge }: Project, pull: PullRequest): Promise<void> {
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

/**
 * Checks belong to a head: where one is proposed to the default branch and to another one too, those that were made
 * for the default branch stay.
 */
export async function hasTwin({ forge, defaultBranch }: Project, pull: PullRequest): Promise<boolean> {
  if (pull.base.ref === defaultBranch) return false;
  const open = await forge.pulls.list({ state: 'open', base: defaultBranch });
  return open.some(({ head }) => head.sha === pull.head.sha);
}

export async function showUnplanned(
  project: Project,
  pull: PullRequest,
  unplanned: Unplanned,
): Promise<null> {
  const { isWrong, faults } = unplanned;
  const findings = unplannedChecks(unplanned);
  await postChecks(project, pull.head.sha, checksOf(findings, originOf({ pull }, [])));
  const facts = { pull, faults, hold: null, models: [], merge: null };
  if (isWrong) await putComment(project, facts, { models: [], asks: [], findings });
  return null;
}

/** Brings checks, comment and questions to what was found. */
export async function show(project: Project, { facts, models, asks }: PullState): Promise<void> {
  const { pull, merge, faults, hold } = facts;
  const conflict = merge.state === 'conflict' ? merge : null;
  const elsewhere = pull.base.ref === project.defaultBranch ? null : pull.base.ref;
  const findings = decideChecks({ conflict, faults, hold, models, asks, elsewhere });
  await postChecks(project, pull.head.sha, checksOf(findings, originOf(facts, models)));
  const all = [...asks, ...models.flatMap((model) => model.asks)];
  const isQuiet = models.length + faults.length + all.length === 0;
  if (isQuiet && modelsTouched(facts.paths).length === 0) return;
  await putComment(project, facts, { models, asks, findings });
  if (findings.gate.conclusion !== 'action_required') return;
  for (const ask of all) await askPeople(project, facts, ask);
}

async function putComment(
  { forge, bot }: Project,
  facts: ShownFacts,
  shown: { models: GateModel[]; asks: CountedAsk[]; findings: Record<CheckName, Finding> },
): Promise<void> {
  await putSticky(forge.comments, {
    issue: facts.pull.number,
    marker: { kind: 'pull-request', key: String(facts.pull.number) },
    body: render(loadTemplate('comments/pull-request.hbs'), pullRequestView({ facts, ...shown }), {
      asks: loadTemplate('comments/asks.hbs'),
    }),
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

export async function postChecks(
  { forge }: Pick<Project, 'forge'>,
  head: string,
  checks: Check[],
): Promise<void> {
  const posted = await forge.checks.list(head);
  for (const check of checks) {
    const known = posted.find(({ name }) => name === check.name);
    if (!known) await forge.checks.create(head, check);
    else if (!sameCheck(known, check)) await forge.checks.update(known.id, check);
  }
}

/** An id that is not given leaves the one that is there. */
function sameCheck(posted: Check, wanted: Check): boolean {
  const told = ({ title, conclusion, details_url }: Check, external_id: string | null) =>
    JSON.stringify([title, conclusion, details_url, external_id]);
  return told(posted, posted.external_id) === told(wanted, wanted.external_id ?? posted.external_id);
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

function runUrl(pull: PullRequest, run: number): string {
  return pull.url.replace(/\/pull\/\d+$/, `/actions/runs/${run}`);
}
