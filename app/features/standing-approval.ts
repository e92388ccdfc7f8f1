import { procedureDigest, procedureParts } from '#lib/formats/digests.ts';
import { durationMs } from '#lib/lifecycle/duration.ts';
import type { GateResult } from '#lib/lifecycle/evidence.ts';
import type { Policy, StandingTerms } from '#lib/lifecycle/policy.ts';
import { approvalRule } from '#lib/lifecycle/policy-rules.ts';
import { approvalRecordSchema, type ProcedureRecord, procedureRecordSchema } from '#lib/lifecycle/records.ts';
import { retrainingDay } from '#lib/lifecycle/retraining-branch.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { decideStanding } from '#lib/lifecycle/standing-approval.ts';
import { isGenerated } from '#lib/lifecycle/update-decision.ts';
import type { Verdict } from '#lib/lifecycle/verdict.ts';
import { listRecords, recordPath } from '#lib/records/records.ts';
import { type Ask, type CountedAsk, countAsk, type StandingView } from '../approvals.ts';
import type { ModelTree } from '../model-tree.ts';
import type { PullPeople } from '../people.ts';
import type { Project } from '../project.ts';

/** A candidate of a pull request, with all that a procedure is held against. */
export type Retrained = {
  policy: Policy;
  /** The branch that it comes from; null where no pull request is known. */
  branch: string | null;
  paths: readonly string[];
  people: PullPeople;
  model: ModelTree;
  candidate: { digest: Digest; gates: readonly Pick<GateResult, 'name' | 'verdict'>[]; contract: Verdict };
};

/** Whether a retraining is approved by its procedure. Null where the policy has no terms for the model, or it is none. */
export async function readStanding(project: Project, retrained: Retrained): Promise<StandingView | null> {
  const { policy, branch, paths, people, model, candidate } = retrained;
  const terms = policy.standing_approvals.find((entry) => entry.model === model.name);
  const isRetraining = branch !== null && retrainingDay(model.name, branch) !== null;
  if (!terms || !isRetraining) return null;
  const { code, gates, problem, policy: policyDigest } = model.digests;
  const { model: config, data, operate } = model;
  const digests = { code, gates, problem, policy: policyDigest };
  const parts = procedureParts({ model: config, data, operate, ...digests, terms });
  const digest = procedureDigest(model.name, parts);
  const counted = await countAsk(project, {
    ask: askOf({ policy, model, digest, parts, people }),
    others: [candidate.digest],
    policy,
  });
  const former = await formerProcedure(project, model.name, digest);
  const decision = decideStanding({
    isRetraining,
    people,
    otherPaths: paths.filter((path) => path !== `models/${model.name}/data.yml` && !isGenerated(path)),
    contract: candidate.contract,
    gates: candidate.gates,
    approval: await approvalOf(project, counted, terms),
    changed: former === null ? [] : changedParts(former, parts),
    used: await usedBefore(project, digest, candidate.digest),
    max_versions: terms.max_versions,
    now: project.now().toISOString(),
  });
  const isMissing = counted.count.missing.length > 0;
  const isKnown = !isMissing || former !== null;
  return {
    grant:
      decision.kind === 'approved'
        ? { procedure: digest, people: decision.people, version: decision.version, of: decision.of }
        : null,
    deviations: decision.kind === 'deviates' && isKnown ? decision.reasons : [],
    offer: isMissing ? { ...counted, terms } : null,
  };
}

function askOf({
  policy,
  model,
  digest,
  parts,
  people,
}: {
  policy: Policy;
  model: ModelTree;
  digest: Digest;
  parts: ProcedureRecord['parts'];
  people: PullPeople;
}): Ask {
  const { name } = model;
  const { risk } = model.problem;
  const procedure: ProcedureRecord = { kind: 'roundhouse-procedure', model: name, digest, parts };
  const rules: Ask['rules'] = [{ name: 'standing', rule: approvalRule(policy, 'standing', { risk }) }];
  return { subject: 'procedure', model: name, digest, rules, procedure, ...people };
}

/** From when on it is complete: the last of the approvals that count. */
async function approvalOf({ state }: Project, { digest, count }: CountedAsk, terms: StandingTerms) {
  if (count.missing.length > 0) return null;
  const records = await listRecords(state, recordPath.approvals(digest), approvalRecordSchema);
  const ids = count.counted.map(({ id }) => id);
  const times = records.filter(({ comment }) => ids.includes(comment)).map(({ at }) => Date.parse(at));
  const since = Math.max(...times);
  return {
    people: count.counted.map(({ login }) => login),
    since: new Date(since).toISOString(),
    expires: new Date(since + durationMs(terms.expires)).toISOString(),
  };
}

/** Versions that were made by it, apart from this one. */
async function usedBefore({ state }: Project, procedure: Digest, candidate: Digest): Promise<number> {
  const own = recordPath.standingUse(procedure, candidate);
  return (await state.paths(recordPath.standingUses(procedure))).filter((path) => path !== own).length;
}

/** The procedure of a model that somebody approved last, other than this one. */
async function formerProcedure(
  { state }: Project,
  model: string,
  digest: Digest,
): Promise<ProcedureRecord | null> {
  const known = await listRecords(state, recordPath.procedures(model), procedureRecordSchema);
  const dated: { procedure: ProcedureRecord; at: string }[] = [];
  for (const procedure of known.filter((one) => one.digest !== digest)) {
    const given = await listRecords(state, recordPath.approvals(procedure.digest), approvalRecordSchema);
    const at = given
      .map((approval) => approval.at)
      .sort()
      .at(-1);
    if (at !== undefined) dated.push({ procedure, at });
  }
  return dated.toSorted((a, b) => a.at.localeCompare(b.at)).at(-1)?.procedure ?? null;
}

function changedParts({ parts: then }: ProcedureRecord, now: ProcedureRecord['parts']): string[] {
  return Object.keys({ ...then, ...now }).filter((part) => then[part] !== now[part]);
}
