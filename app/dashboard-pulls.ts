import type { PullRequest } from '#lib/github/pulls.ts';
import type { BoardPull, OpenAsk } from '#lib/lifecycle/dashboard/facts.ts';
import { modelsTouched } from '#lib/lifecycle/plan-decision.ts';
import { holdRecordSchema } from '#lib/lifecycle/records.ts';
import { retrainingWindow } from '#lib/lifecycle/retraining-branch.ts';
import { evaluationOf, readEvidence, readHistory } from '#lib/records/model-history.ts';
import { readRecord, recordPath } from '#lib/records/records.ts';
import { type AskedCandidate, countAsks } from './features/asks.ts';
import { frozenReason } from './freezes.ts';
import { readOverrides } from './overrides.ts';
import type { Project } from './project.ts';
import { readPullFacts, type TouchedModel } from './pull-facts.ts';

/** An open pull request to the default branch, with the models that it changes and what is asked there of people. */
export type WaitingPull = {
  models: string[];
  board: Omit<BoardPull, 'asks'>;
  /** `model: null`: about the policy. */
  asks: (OpenAsk & { model: string | null })[];
};

/**
 * What waits on open pull requests, as it stands on GitHub now: what this process remembers is not asked, so that
 * two processes show the same.
 */
export async function readWaiting(project: Project): Promise<WaitingPull[]> {
  const { forge, defaultBranch } = project;
  const open = await forge.pulls.list({ state: 'open', base: defaultBranch });
  const found: WaitingPull[] = [];
  for (const pull of open.toSorted((a, b) => a.number - b.number)) {
    const models = modelsTouched(await forge.pulls.paths(pull.number));
    if (models.length > 0) found.push(await readOne(project, pull, models));
  }
  return found;
}

async function readOne(project: Project, pull: PullRequest, models: string[]): Promise<WaitingPull> {
  const { forge, state, bot } = project;
  const checks = await forge.checks.list(pull.head.sha);
  const saysOf = (name: string) => checks.find((check) => check.name === name);
  const hold = await readRecord(state, recordPath.hold(pull.number), holdRecordSchema);
  const isAsking = saysOf('roundhouse/approval')?.conclusion === 'action_required';
  return {
    models,
    board: {
      number: pull.number,
      title: pull.title,
      url: pull.url,
      head: pull.head.sha,
      gate: saysOf('roundhouse/gate')?.title ?? 'not planned yet',
      isRetraining: pull.author.login === bot && retrainingWindow(pull.head.ref) !== null,
      hold: hold?.held ? { login: hold.login, reason: hold.reason } : null,
    },
    asks: isAsking ? await readAsks(project, pull) : [],
  };
}

/** Counted as for the gate, which has said on this head that people are asked. */
async function readAsks(project: Project, pull: PullRequest): Promise<WaitingPull['asks']> {
  const facts = await readPullFacts(project, pull);
  if ('reason' in facts || facts.merge.state !== 'ready') return [];
  const models = [];
  for (const model of facts.models) {
    models.push({ name: model.name, merged: model.merged, candidate: await candidateOf(project, model) });
  }
  const asks = await countAsks(project, { ...facts, branch: pull.head.ref, head: facts.merge.base, models });
  return asks.flatMap(({ model, subject, digest, count }) =>
    count.missing.length === 0
      ? []
      : [{ model, subject, digest, given: count.counted.map(({ login }) => login), missing: count.missing }],
  );
}

/** The candidate that the locks name, where its evaluation is on record. */
async function candidateOf(
  project: Project,
  { name, merged, base }: TouchedModel,
): Promise<AskedCandidate | null> {
  const digest = merged.locks?.model.candidate;
  if (digest === undefined || digest === base?.locks?.model.candidate) return null;
  const record = evaluationOf(await readHistory(project.state, project.forge.tags, name), digest);
  if (!record || (await frozenReason(project, name, digest)) !== null) return null;
  const { result } = (await readEvidence(project.state, 'evaluate', record.evaluate)).predicate;
  const data = await readEvidence(project.state, 'data', record.accepted.data);
  const contract = data.predicate.result.contract.verdict;
  return { digest, result, contract, overrides: await readOverrides(project, digest) };
}
