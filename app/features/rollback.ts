import { hexOf } from '#lib/formats/digest.ts';
import { bundleSchema } from '#lib/lifecycle/bundle.ts';
import { approvalRule, type Scope } from '#lib/lifecycle/policy-rules.ts';
import { type FreezeRecord, freezeRecordSchema } from '#lib/lifecycle/records.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { readHistory } from '#lib/records/model-history.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { type CommandSetting, type Handler, type Outcome, refused } from '../command.ts';
import { consentTo } from '../consent.ts';
import { inForce, readFreezes } from '../freezes.ts';
import { type MainTree, readMain } from '../main-tree.ts';
import { modelAsked, modelHere } from '../model-asked.ts';
import type { ModelTree } from '../model-tree.ts';
import { peopleBehind } from '../people.ts';
import type { Project } from '../project.ts';
import { decideRollback, type RollbackPlan } from '../rollback-decision.ts';
import { readDeployments } from '../rollouts.ts';
import { syncDeployments } from './deploy.ts';

type Planned = Extract<RollbackPlan, { kind: 'rollback' }>;

/**
 * `/rollback`: freezes what serves, or what is being rolled out, and has the version before it served again. The
 * record of the freeze is the command: deployments, registry and the revert follow from it, also after a crash.
 */
export const rollback: Handler<'rollback'> = async (setting, args) => {
  const { project, comment } = setting;
  const main = await readMain(project);
  if (!main) return refused('the default branch has no usable policy');
  const here = await modelHere(setting, main);
  const named = [args.version && `v${args.version}`, args.environment].filter(Boolean).join(' ');
  const example = (model: string) => `/rollback ${model}@${named || 'v1.0.0'}`;
  const model = modelAsked(main, { named: args.model, here, example });
  if (typeof model === 'string') return refused(model);
  const environment = environmentOf(model, args.environment ?? here.environment);
  if (environment === null) {
    return refused(`${model.name} is deployed to ${model.operate.deployment.environments.join(', ')}`);
  }
  const freezes = await readFreezes(project, model.name);
  const mine = freezes.find((freeze) => freeze.comment === comment.id);
  // Recorded right before a crash.
  if (mine) return carryOut(setting, main, mine);
  const { registry } = await readHistory(project.state, project.forge.tags, model.name);
  const records = await readDeployments(project, model.name, environment);
  const plan = decideRollback({
    environment,
    asked: args.version,
    records,
    versions: registry.versions,
    frozen: inForce(freezes),
  });
  if (plan.kind === 'refuse') return refused(plan.reason);
  const missing = await missingBytes(project, main, plan.to.bundle);
  if (missing !== null)
    return refused(`v${plan.to.version} cannot serve: the store does not hold ${missing}`);
  const agreed = await consentTo(setting, {
    ...question(setting, 'rollback', { environment, risk: model.problem.risk }),
    model: model.name,
    subject: `${model.name} v${plan.bad.version} in ${environment}`,
    about: { environment, bad: plan.bad.candidate, to: plan.to.candidate, after: records.length },
  });
  if (agreed.kind === 'missing') return refused(agreed.text);
  const freeze = await putFreeze(setting, { model, environment, plan });
  return freeze ? carryOut(setting, main, freeze) : refused('somebody froze it at the same time');
};

/** The last of the chain where none is named: what serves there is the champion. */
function environmentOf({ operate }: ModelTree, asked: string | null): string | null {
  const { environments } = operate.deployment;
  if (asked === null) return environments.at(-1) ?? null;
  return environments.find((name) => name === asked) ?? null;
}

function question({ policy }: CommandSetting, action: 'rollback' | 'unfreeze', scope: Scope) {
  return { rule: { name: action, rule: approvalRule(policy, action, scope) } };
}

/** A digest of the bundle that the store does not hold; null where it is whole. */
async function missingBytes(project: Project, main: MainTree, bundle: Digest): Promise<Digest | null> {
  const store = project.store(main.policy.store);
  if (!(await store.has(bundle))) return bundle;
  const { files } = bundleSchema.parse(JSON.parse(Buffer.from(await store.get(bundle)).toString('utf8')));
  for (const { digest } of files) if (!(await store.has(digest))) return digest;
  return null;
}

/** Null where another one froze it in the meantime. */
async function putFreeze(
  { project, comment }: CommandSetting,
  { model, environment, plan }: { model: ModelTree; environment: string; plan: Planned },
): Promise<FreezeRecord | null> {
  const { bad, to, ends } = plan;
  const freeze: FreezeRecord = {
    kind: 'roundhouse-freeze',
    model: model.name,
    candidate: bad.candidate,
    version: bad.version,
    environment,
    to: { version: to.version, candidate: to.candidate },
    ends,
    login: comment.author.login,
    issue: comment.issue,
    comment: comment.id,
    url: comment.url,
    at: comment.created_at,
    lifted: null,
  };
  const path = recordPath.freeze(bad.candidate);
  const known = await project.state.read(path);
  const outcome = await project.state.write({
    changes: [{ path, text: recordText(freeze) }],
    ...(known === null ? { fresh: [path] } : { expected: [{ path, text: known }] }),
    audit: {
      event: 'rolled back',
      actor: comment.author.login,
      model: model.name,
      subject: `${model.name} v${bad.version} in ${environment} to v${to.version}`,
      digest: bad.candidate,
      url: comment.url,
    },
  });
  return outcome.kind === 'written' ? freeze : null;
}

async function carryOut({ project }: CommandSetting, main: MainTree, freeze: FreezeRecord): Promise<Outcome> {
  const { model, version, environment, to, candidate } = freeze;
  await syncDeployments(project, main, { model, environment });
  return {
    ok: true,
    text: `${model} v${version} is frozen (candidate ${hexOf(candidate).slice(0, 16)}), and v${to.version} serves in ${environment} as soon as the target has it; an incident and a revert of the locks follow`,
  };
}

/** `/unfreeze`: the candidate may be deployed again. Nothing is deployed by it: that is for `/deploy`. */
export const unfreeze: Handler<'unfreeze'> = async (setting, { digest: typed, reason }) => {
  const { project, comment } = setting;
  const paths = await project.state.paths(recordPath.frozen(typed));
  const [path, ...others] = paths;
  if (others.length > 0) return refused('it fits more than one digest: give more characters');
  const freeze = path === undefined ? null : await readRecord(project.state, path, freezeRecordSchema);
  if (path === undefined || freeze === null) return refused(await refusalOfDigest(project));
  const { model, version, candidate, environment, lifted } = freeze;
  const text = `${model} v${version} may serve again; \`/deploy ${environment}\` brings it where the locks of ${project.defaultBranch} name it`;
  if (lifted?.comment === comment.id) return { ok: true, text };
  if (lifted) return refused(`it is not frozen: ${lifted.login} lifted it`);
  const history = await readHistory(project.state, project.forge.tags, model);
  const agreed = await consentTo(setting, {
    ...question(setting, 'unfreeze', { environment: freeze.environment }),
    model,
    subject: `${model} v${version}`,
    about: { candidate, frozen: freeze.comment },
    people: await peopleBehind(project, history, candidate),
  });
  if (agreed.kind === 'missing') return refused(agreed.text);
  const { login } = comment.author;
  const next = { ...freeze, lifted: { login, reason, comment: comment.id, at: comment.created_at } };
  const outcome = await project.state.write({
    changes: [{ path, text: recordText(next) }],
    expected: [{ path, text: (await project.state.read(path)) ?? '' }],
    audit: {
      event: 'unfrozen',
      actor: login,
      subject: `${model} v${version}`,
      model,
      note: reason,
      digest: candidate,
      url: comment.url,
    },
  });
  return outcome.kind === 'written' ? { ok: true, text } : refused('it changed at the same time: ask again');
};

async function refusalOfDigest({ state }: Project): Promise<string> {
  const frozen: string[] = [];
  for (const path of await state.paths(recordPath.frozen())) {
    const freeze = await readRecord(state, path, freezeRecordSchema);
    if (freeze && freeze.lifted === null) {
      frozen.push(`${hexOf(freeze.candidate).slice(0, 16)} (${freeze.model} v${freeze.version})`);
    }
  }
  if (frozen.length === 0) return 'nothing is frozen here';
  return `no frozen digest starts like that; frozen: ${frozen.join(', ')}`;
}
