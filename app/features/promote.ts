import { approvalRule } from '#lib/lifecycle/policy-rules.ts';
import { type PromotionRecord, promotionRecordSchema } from '#lib/lifecycle/records.ts';
import { readHistory } from '#lib/records/model-history.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { type CommandSetting, type Handler, type Outcome, refused } from '../command.ts';
import { consentTo } from '../consent.ts';
import { inForce, readFreezes } from '../freezes.ts';
import { type MainTree, readMain } from '../main-tree.ts';
import { modelAsked, modelHere } from '../model-asked.ts';
import { peopleBehind } from '../people.ts';
import { decidePromotion } from '../promotion-decision.ts';
import { readDeployments } from '../rollouts.ts';
import { syncDeployments } from './deploy.ts';

/**
 * `/promote`: the environment gets exactly the version that serves in the one before it now, whatever serves there
 * later. The record of the promotion is what the environment converges to.
 */
export const promote: Handler<'promote'> = async (setting, args) => {
  const { project, comment, policy } = setting;
  const main = await readMain(project);
  if (!main) return refused('the default branch has no usable policy');
  const example = (name: string) => `/promote ${name} ${args.environment}`;
  const model = modelAsked(main, { named: args.model, here: await modelHere(setting, main), example });
  if (typeof model === 'string') return refused(model);
  const { environments } = model.operate.deployment;
  const environment = main.policy.environments.find(({ name }) => name === args.environment);
  if (!environment || !environments.includes(environment.name)) {
    return refused(`${model.name} is deployed to ${environments.join(', ')}`);
  }
  const { name: to, promotes_from: from } = environment;
  const path = recordPath.promotion(model.name, to, comment.id);
  const mine = await readRecord(project.state, path, promotionRecordSchema);
  // Recorded right before a crash.
  if (mine) return carryOut(setting, main, mine);
  const history = await readHistory(project.state, project.forge.tags, model.name);
  const plan = decidePromotion({
    environment: to,
    from,
    records: {
      from: from === null ? [] : await readDeployments(project, model.name, from),
      to: await readDeployments(project, model.name, to),
    },
    versions: history.registry.versions,
    frozen: inForce(await readFreezes(project, model.name)),
  });
  if (plan.kind === 'refuse') return refused(plan.reason);
  const { version, candidate } = plan.version;
  const agreed = await consentTo(setting, {
    rule: {
      name: 'promote',
      rule: approvalRule(policy, 'promote', { environment: to, risk: model.problem.risk }),
    },
    model: model.name,
    subject: `${model.name} v${version} to ${to}`,
    about: { environment: to, candidate, rollout: plan.rollout },
    people: await peopleBehind(project, history, candidate),
  });
  if (agreed.kind === 'missing') return refused(agreed.text);
  const record: PromotionRecord = {
    kind: 'roundhouse-promotion',
    model: model.name,
    environment: to,
    from: plan.from,
    version,
    candidate,
    people: agreed.people,
    comment: comment.id,
    url: comment.url,
    at: comment.created_at,
  };
  await project.state.write({
    changes: [{ path, text: recordText(record) }],
    audit: {
      event: 'promoted',
      actor: comment.author.login,
      subject: `${model.name} v${version} from ${plan.from} to ${to}`,
      digest: candidate,
      url: comment.url,
    },
  });
  return carryOut(setting, main, record);
};

async function carryOut(
  { project }: CommandSetting,
  main: MainTree,
  { model, version, environment, from }: PromotionRecord,
): Promise<Outcome> {
  await syncDeployments(project, main);
  return { ok: true, text: `${model} v${version}, which serves in ${from}, is rolled out in ${environment}` };
}
