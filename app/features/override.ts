import { hexOf } from '#lib/formats/digest.ts';
import { render } from '#lib/formats/markdown.ts';
import { durationMs } from '#lib/lifecycle/duration.ts';
import { approvalRule, higherRisk } from '#lib/lifecycle/policy-rules.ts';
import { type OverrideRecord, overrideRecordSchema, type TurnRecord } from '#lib/lifecycle/records.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { loadTemplate } from '../../templates/load.ts';
import { type CommandSetting, type Handler, type Outcome, refused } from '../command.ts';
import { consentTo } from '../consent.ts';
import { issueOnce } from '../issue-once.ts';
import { decideOverride } from '../override-decision.ts';
import type { Standing } from '../standing.ts';
import type { GateModel } from './gate.ts';
import { syncPullRequest } from './pull-request.ts';

type Judged = { model: string; frozen: string | null; standing: Extract<Standing, { state: 'judged' }> };

const DEFAULT_EXPIRES = 'P1D';

/**
 * `/override`: passes one gate of one candidate for a time. Approvals, digests and everything behind the gate stay
 * as they are, and who says it is not who approves it. Another candidate is judged by all gates again.
 */
export const override: Handler<'override'> = async (setting, { gate: typed, digest, reason }) => {
  const { project, comment, policy } = setting;
  const state = await syncPullRequest(project, comment.issue);
  const judged = (state?.models ?? []).flatMap(judgedOf);
  const fitting = judged.filter(({ standing }) =>
    hexOf(standing.evidence.record.candidate).startsWith(digest),
  );
  const [found] = fitting;
  if (!state || !found || fitting.length > 1) return refused(refusalOfDigest(state?.models ?? [], judged));
  const { model, standing, frozen } = found;
  const { candidate } = standing.evidence.record;
  const path = recordPath.override(candidate, comment.id);
  const mine = await readRecord(project.state, path, overrideRecordSchema);
  // Recorded right before a crash.
  if (mine) return carryOut(setting, mine);
  if (frozen !== null) return refused(frozen);
  const { gates } = standing.evidence.evaluate.predicate.result;
  const plan = decideOverride({ gate: typed, gates, known: standing.overrides });
  if (plan.kind === 'refuse') return refused(plan.reason);
  const former = await project.state.paths(recordPath.overrides(candidate));
  const touched = state.facts.models.find(({ name }) => name === model);
  const risk = touched && higherRisk(touched.merged.problem.risk, touched.base?.problem.risk);
  const agreed = await consentTo(setting, {
    rule: { name: 'override', rule: approvalRule(policy, 'override', { risk }) },
    model,
    subject: `gate "${plan.gate}" of ${model}`,
    about: { candidate, gate: plan.gate, after: former.length },
    people: state.facts.people,
  });
  if (agreed.kind === 'missing') return refused(agreed.text);
  const expires = policy.overrides?.expires ?? DEFAULT_EXPIRES;
  const record: OverrideRecord = {
    kind: 'roundhouse-override',
    model,
    candidate,
    gate: plan.gate,
    verdict: plan.verdict,
    reason,
    people: agreed.people,
    pull_request: comment.issue,
    comment: comment.id,
    url: comment.url,
    at: comment.created_at,
    expires: new Date(Date.parse(comment.created_at) + durationMs(expires)).toISOString(),
  };
  // One turn for each override of a candidate: of two gates that are overridden at once, one is.
  const turn = recordPath.claim(`override:${candidate}:${former.length}`);
  const taken: TurnRecord = { kind: 'roundhouse-turn', record: path };
  const written = await project.state.write({
    changes: [
      { path, text: recordText(record) },
      { path: turn, text: recordText(taken) },
    ],
    fresh: [turn],
    audit: {
      event: 'gate overridden',
      actor: comment.author.login,
      model,
      note: `${plan.gate}: ${reason}`,
      subject: `candidate of ${model}, #${comment.issue}`,
      digest: candidate,
      url: comment.url,
    },
  });
  if (written.kind !== 'written') {
    return refused('another gate of this candidate was overridden just now, and only one can be: look again');
  }
  return carryOut(setting, record);
};

function judgedOf({ model, standing, frozen }: GateModel): Judged[] {
  return standing.state === 'judged' ? [{ model, standing, frozen }] : [];
}

function refusalOfDigest(models: readonly GateModel[], judged: readonly Judged[]): string {
  if (models.some(({ standing }) => standing.state === 'data-failed')) {
    return 'the data break their contract, and that is no gate that can be overridden: no model was judged';
  }
  if (judged.length === 0) return 'no candidate is judged here now';
  const open = judged.map(
    ({ model, standing }) => `${hexOf(standing.evidence.record.candidate).slice(0, 16)} (${model})`,
  );
  return `no candidate that is judged here starts like that; judged: ${open.join(', ')}`;
}

async function carryOut({ project }: CommandSetting, record: OverrideRecord): Promise<Outcome> {
  const { model, gate, comment, expires, people } = record;
  await issueOnce(project, {
    model,
    key: `override:${model}:${comment}`,
    marker: { kind: 'override', key: `${model}/${comment}` },
    text: () => ({
      title: `${model}: the gate "${gate}" was overridden in #${record.pull_request}`,
      body: render(loadTemplate('comments/override.hbs'), {
        ...record,
        people: people.join(' and '),
        digest: hexOf(record.candidate).slice(0, 16),
      }),
    }),
  });
  await syncPullRequest(project, record.pull_request);
  return {
    ok: true,
    text: `"${gate}" is passed by override until ${expires}, for this candidate alone; it is approved as any other, by somebody else than ${people.join(' and ')}`,
  };
}
