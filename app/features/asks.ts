import { digestOfJson } from '#lib/formats/digest.ts';
import type { EvaluateResult } from '#lib/lifecycle/evidence.ts';
import { looseningsOf } from '#lib/lifecycle/loosening.ts';
import type { Policy, Risk } from '#lib/lifecycle/policy.ts';
import { approvalRule, higherRisk } from '#lib/lifecycle/policy-rules.ts';
import type { OverrideRecord } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import type { Verdict } from '#lib/lifecycle/verdict.ts';
import { readHistory } from '#lib/records/model-history.ts';
import { type Ask, type CountedAsk, countAsk, onceEach } from '../approvals.ts';
import { type ModelTree, readModel, readPolicy, readTree } from '../model-tree.ts';
import type { PullPeople } from '../people.ts';
import type { Project } from '../project.ts';
import type { PolicyChange, RemovedModel } from '../pull-facts.ts';
import { openGates } from './gate.ts';
import { readStanding } from './standing-approval.ts';

/** What a pull request brings, or has brought, to the default branch, as far as people have to approve it. */
export type Brought = {
  policy: Policy;
  /** The branch that it comes from; null where no pull request is known. */
  branch: string | null;
  /** Paths that it changes. */
  paths: readonly string[];
  people: PullPeople;
  /** The commit whose history says who made what this pull request did not change. */
  head: string;
  models: { name: string; merged: ModelTree; candidate: AskedCandidate | null }[];
  removed: RemovedModel[];
  /** What it makes of the policy; null where it leaves the policy alone. */
  newPolicy: PolicyChange | null;
};
/** A candidate with all its locks in: no commit of the app follows after the question. */
export type AskedCandidate = {
  digest: Digest;
  result: EvaluateResult;
  /** What the contract said of the data. */
  contract: Verdict;
  overrides: OverrideRecord[];
};

/**
 * What people have to approve, with what they approved so far: one list for the gate before the merge and for
 * the registration after it. What was on the default branch before and nobody approved is asked for too.
 */
export async function countAsks(project: Project, brought: Brought): Promise<CountedAsk[]> {
  const asks: (Ask & { isNew: boolean })[] = [
    ...askOfPolicy(brought),
    ...brought.removed.map((model) => askOfRemoval(brought, model)),
  ];
  for (const model of brought.models) {
    const approved = await readApproved(project, model.name);
    const subjects = [
      await askOfProblem(project, brought, { ...model, approved }),
      await askOfLoosening(project, brought, { ...model, approved }),
      askOfCandidate(brought, { ...model, risk: riskOf({ ...model, approved }) }),
    ];
    asks.push(...subjects.filter((ask) => ask !== null));
  }
  const others = asks.map(({ digest }) => digest);
  const { forge } = project;
  const counting = { ...project, forge: { ...forge, people: onceEach(forge.people) } };
  const counted: CountedAsk[] = [];
  for (const { isNew, ...ask } of asks) {
    const plain = await countAsk(counting, { ask, others, policy: brought.policy });
    const found = plain.subject === 'candidate' ? await withStanding(counting, brought, plain) : plain;
    if (isNew || found.count.missing.length > 0) counted.push(found);
  }
  return counted;
}

/** A retraining by a procedure that people approved needs no more of them. */
async function withStanding(project: Project, brought: Brought, ask: CountedAsk): Promise<CountedAsk> {
  const { policy, branch, paths, people } = brought;
  const model = brought.models.find(({ name }) => name === ask.model);
  if (!model?.candidate) return ask;
  const { digest, result, contract } = model.candidate;
  const candidate = { digest, gates: result.gates, contract };
  const standing = await readStanding(project, {
    ...{ policy, branch, paths, people, candidate },
    model: model.merged,
  });
  if (standing === null) return ask;
  const count = standing.grant ? { ...ask.count, state: 'approved' as const, missing: [] } : ask.count;
  const about = standing.deviations.map((reason) => `The standing approval does not count: ${reason}`);
  return { ...ask, about: [...(ask.about ?? []), ...about], count, standing };
}

/** The model as it was in its newest version: all of that was approved. Null where no version is there. */
async function readApproved({ state, forge }: Project, name: string): Promise<ModelTree | null> {
  const { registry } = await readHistory(state, forge.tags, name);
  const commit = registry.versions.at(-1)?.commit;
  if (commit === undefined) return null;
  try {
    const tree = await readTree(forge.trees, commit);
    return await readModel(tree, name, (await readPolicy(tree)).text);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** A change that lowers the tier is still for those of the former one. */
function riskOf({ merged, approved }: Pick<Compared, 'merged' | 'approved'>): Risk {
  return higherRisk(merged.problem.risk, approved?.problem.risk);
}

type Compared = { name: string; merged: ModelTree; approved: ModelTree | null };

async function askOfProblem(project: Project, brought: Brought, { name, merged, approved }: Compared) {
  const digest = merged.digests.problem;
  if (approved?.digests.problem === digest) return null;
  const people = await peopleBehind(project, brought, [`models/${name}/problem.yml`]);
  const causers = await issueAuthor(project, merged.problem.issue);
  const risk = riskOf({ merged, approved });
  return askOf(brought, risk, { subject: 'problem' as const, model: name, digest, ...people, causers });
}

/** Of what was never registered nothing can be looser; what problem.yml loosens is approved with the problem. */
async function askOfLoosening(project: Project, brought: Brought, { name, merged, approved }: Compared) {
  if (approved === null || approved.draft) return null;
  const loosened = looseningsOf(approved, merged).filter(({ file }) => file !== 'problem.yml');
  if (loosened.length === 0) return null;
  const files = [...new Set(loosened.map(({ file }) => `models/${name}/${file}`))];
  const people = await peopleBehind(project, brought, files);
  const digest = digestOfJson({ v: 1, model: name, loosened });
  const about = loosened.map(
    ({ file, where, before, after }) => `${file}, ${where}: ${before} becomes ${after}`,
  );
  const { causers } = brought.people;
  const risk = riskOf({ merged, approved });
  return askOf(brought, risk, {
    subject: 'loosening' as const,
    model: name,
    digest,
    about,
    ...people,
    causers,
  });
}

/** Nothing says any more what the model has to reach, so it is for those who approved that. */
function askOfRemoval(brought: Brought, { name, problem, risk }: RemovedModel) {
  const digest = digestOfJson({ v: 1, model: name, removed: problem });
  return askOf(brought, risk, { subject: 'removal', model: name, digest, isNew: true, ...brought.people });
}

/** The rule is the base's: who would be let in by the change is not asked about it. */
function askOfPolicy({ policy, newPolicy, people }: Brought): (Ask & { isNew: boolean })[] {
  if (newPolicy === null) return [];
  const { digest } = newPolicy;
  const rules: Ask['rules'] = [{ name: 'policy', rule: approvalRule(policy, 'policy') }];
  return [{ subject: 'policy', model: null, digest, rules, isNew: true, ...people }];
}

function askOfCandidate(
  { policy, people }: Brought,
  { name, candidate, risk }: Brought['models'][number] & { risk: Risk },
) {
  if (candidate === null) return null;
  const { blocking, asking } = openGates(candidate.result, candidate.overrides);
  if (blocking.length > 0) return null;
  const inconclusive = {
    name: 'inconclusive' as const,
    rule: approvalRule(policy, 'inconclusive', { risk }),
  };
  const rules: Ask['rules'] = [
    { name: 'model', rule: approvalRule(policy, 'model', { risk }) },
    ...(asking.length > 0 ? [inconclusive] : []),
  ];
  const { digest, overrides } = candidate;
  // Whoever takes the risk of a gate does not approve what it lets through as well.
  const overriders = overrides.flatMap((given) => given.people);
  return { subject: 'candidate' as const, model: name, digest, rules, isNew: true, ...people, overriders };
}

function askOf(
  { policy }: Pick<Brought, 'policy'>,
  risk: Risk,
  ask: Omit<Ask, 'rules'> & { isNew: boolean },
): Ask & { isNew: boolean } {
  return { ...ask, rules: [{ name: 'problem', rule: approvalRule(policy, 'problem', { risk }) }] };
}

/** Whose change it is, so that they don't approve it: the pull request's people, or those of the commits before. */
async function peopleBehind({ forge, bot }: Project, { paths, people, head }: Brought, files: string[]) {
  const { author, committers } = people;
  if (files.some((file) => paths.includes(file))) return { isNew: true, author, committers };
  const earlier: string[] = [];
  for (const file of files) {
    const change = await forge.history.lastChange(head, file);
    earlier.push(...(change?.people ?? []).filter((login) => login !== bot));
  }
  return { isNew: false, author: null, committers: earlier };
}

/** Who asked for a problem by an issue. */
async function issueAuthor({ forge, bot }: Project, number: number): Promise<string[]> {
  const issue = number === 0 ? null : await forge.issues.get(number);
  return issue && issue.author.login !== bot ? [issue.author.login] : [];
}
