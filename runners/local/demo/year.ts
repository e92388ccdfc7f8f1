import { evidenceAt, evidencePath } from './evidence.ts';
import { decimals } from './figures.ts';
import { approvals, expectVersion, refused } from './opening.ts';
import { candidateFigures, deployed, gateOf, mergeWhenGreen, versions } from './scenes.ts';
import { OWNER, PRODUCTION, type Stage, type Stretch } from './stage.ts';
import type { Traffic } from './traffic.ts';
import { until } from './wait.ts';

const DAY_MS = 86_400_000;

/** What the branch `roundhouse` says about one check. */
export type CheckRecord = {
  path: string;
  monitor: MonitorFigures;
  decision: 'open' | 'none';
  reasons: { rule: string; verdict: string; expected: string; actual: string }[];
};

type Estimate = { estimate: number; lower: number | null; upper: number | null };
export type MonitorFigures = {
  as_of: string;
  window: { from: string; until: string };
  predictions: number;
  labels: { matured: number; labelled: number; coverage: number };
  versions: { version: string; predictions: number }[];
  drift_verdict: string;
  drift: { column: string; role: string; verdict: string; seasonal: boolean; psi: Estimate }[];
  performance: {
    metric: string;
    served: Estimate;
    trivial: number | null;
    threshold: number | null;
    /** What the version reached when it was judged. */
    reference: number | null;
  }[];
  replay: { version: string; metric: string; estimate: Estimate }[];
  value: { unit: string; served: Estimate } | null;
  decay: string;
};

/** Traffic passes, the schedule fires, the trigger is asked; where it says so, a retraining pull request goes all the way. */
export async function playStretch(stage: Stage, traffic: Traffic, stretch: Stretch): Promise<CheckRecord> {
  const { timeline, local } = stage;
  const asOf = checkedAt(stretch);
  timeline.chapter(
    `${stretch.name}  ${new Date(stretch.from).toISOString().slice(0, 10)} to ${new Date(stretch.until).toISOString().slice(0, 10)}`,
  );
  await traffic.runUntil(asOf.getTime(), (done, total) =>
    timeline.working(`requests of ${stretch.name}: ${done} of ${total}`),
  );
  const { sent, labelled } = traffic.stats();
  timeline.event({
    at: iso(asOf),
    who: 'traffic',
    what: `${stretch.name} has passed`,
    figures: `${sent} requests and ${labelled} labels so far`,
  });
  await local.setClock(asOf);
  const record = await checkRecord(stage, asOf);
  tellCheck(stage, record);
  if (record.decision === 'open') await retrain(stage, { traffic, asOf, leaveOpen: stretch.last });
  return record;
}

/** A day after its end the labels of a stretch are in, and a quarter of a day later the schedule has fired. */
function checkedAt({ until: end }: Stretch): Date {
  return new Date(end + DAY_MS + 6 * 3_600_000);
}

/** Nothing was opened by itself: the data scientist asks, so that a retraining is seen all the same. */
export async function askForRetraining(
  stage: Stage,
  { traffic, stretch, issue }: { traffic: Traffic; stretch: Stretch; issue: number },
): Promise<void> {
  const { people, timeline } = stage;
  const asOf = checkedAt(stretch);
  const { url } = await people.dataScientist.comment(issue, '/retrain');
  timeline.event({
    at: iso(asOf),
    who: people.dataScientist.login,
    what: 'asks for a retraining, though nothing calls for one: /retrain (scripted)',
    link: url,
  });
  await retrain(stage, { traffic, asOf, leaveOpen: false });
}

/** The record names the evidence by digest; the figures stand there. */
async function checkRecord(stage: Stage, asOf: Date): Promise<CheckRecord> {
  const { people, timeline, model } = stage;
  const name = `monitor/${model}/${iso(asOf).slice(0, 10).replaceAll('-', '/')}.json`;
  const text = await until(
    `the scheduled drift check of ${iso(asOf).slice(0, 10)}`,
    () => people.mlLead.file(name, 'roundhouse'),
    { timeline },
  );
  const record = JSON.parse(text) as { monitor: string; retrain: string };
  const path = evidencePath(record.monitor);
  const monitor = await evidenceAt<MonitorFigures>(stage, path);
  const retrain = await evidenceAt<Pick<CheckRecord, 'decision' | 'reasons'>>(
    stage,
    evidencePath(record.retrain),
  );
  return { path, monitor, decision: retrain.decision, reasons: retrain.reasons };
}

function tellCheck(
  { timeline, local, model }: Stage,
  { monitor, decision, reasons, path }: CheckRecord,
): void {
  const at = monitor.as_of;
  const seasonal = monitor.drift.filter((column) => column.seasonal).map(({ column }) => column);
  const drifted = monitor.drift.filter(({ verdict }) => verdict === 'drifted').map(({ column }) => column);
  const [performance] = monitor.performance;
  const link = `${local.url}/${OWNER}/${model}/blob/roundhouse/${path}`;
  timeline.event({
    at,
    who: 'roundhouse',
    what: `drift check: inputs ${monitor.drift_verdict}${drifted.length > 0 ? ` (${some(drifted)})` : ''}${seasonal.length > 0 ? `; season, not decay: ${some(seasonal)}` : ''}`,
    link,
  });
  if (performance !== undefined) {
    timeline.event({
      at,
      who: 'roundhouse',
      what: `decay: ${monitor.decay === 'failed' ? 'yes' : monitor.decay === 'passed' ? 'no' : 'cannot be told'}`,
      figures: figuresOf(performance),
    });
  }
  timeline.event({
    at,
    who: 'roundhouse',
    what: decision === 'open' ? 'a retraining is due' : 'no retraining is due',
    figures: decisive(reasons)
      .map(({ rule, actual }) => `${rule}: ${actual}`)
      .join('; '),
  });
}

const MOST_NAMES = 6;

function some(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return `${names.slice(0, MOST_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Triggers that fired and brakes that held; where there is none, what the triggers could not tell, or were content with. */
function decisive(reasons: CheckRecord['reasons']): CheckRecord['reasons'] {
  const ranked = (['failed', 'inconclusive'] as const).map((wanted) =>
    reasons.filter(({ verdict }) => verdict === wanted),
  );
  const content = reasons
    .filter(({ rule }) => /^(labelled_loss|retraining\.triggers)/.test(rule))
    .map((reason) => ({ ...reason, actual: `${reason.actual}, ${reason.expected}` }));
  return ranked.find((found) => found.length > 0) ?? content;
}

async function retrain(
  stage: Stage,
  { traffic, asOf, leaveOpen }: { traffic: Traffic; asOf: Date; leaveOpen: boolean },
): Promise<void> {
  const { people, timeline, expectations, model } = stage;
  const pull = await until(
    'the retraining pull request',
    async () =>
      (await people.mlLead.pulls('open')).find(
        ({ headRef }) => headRef === `roundhouse-retrain-${model}-${iso(asOf).slice(0, 10)}`,
      ),
    { timeline },
  );
  timeline.event({
    at: iso(asOf),
    who: 'roundhouse',
    what: `opens #${pull.number}: ${pull.title}`,
    link: pull.url,
  });
  expectations.expect(
    'the retraining pull request opens by itself',
    pull.author === 'roundhouse[bot]',
    pull.author,
  );
  if (leaveOpen) {
    timeline.event({
      at: iso(asOf),
      who: 'ml-lead',
      what: `leaves #${pull.number} open: the story is over`,
      link: pull.url,
    });
    return;
  }
  const before = await versions(stage);
  const asked = await gateOf(people.mlLead, pull.number, ['action_required', 'failure'], stage);
  if (await refused(stage, asked, iso(asOf))) return;
  timeline.event({
    at: iso(asOf),
    who: 'roundhouse',
    what: `has judged #${pull.number} against the champion on the same rows`,
    figures: await candidateFigures(stage, asked.headSha),
  });
  await approvals(stage, pull.number, iso(asOf));
  const merged = await mergeWhenGreen(people.mlLead, { stage, number: pull.number, at: iso(asOf) });
  traffic.pace(stage.case.pace.canary);
  const version = nextMinor(before.at(-1) ?? '1.0.0');
  await expectVersion(stage, version, iso(asOf));
  const rollout = await deployed(stage, merged.sha);
  traffic.pace(stage.case.pace.quiet);
  timeline.event({
    at: iso(asOf),
    who: 'roundhouse',
    what: `${model}@v${version} in ${PRODUCTION}: ${rollout.state}`,
    figures: rollout.description,
  });
  expectations.expect(`v${version} is deployed`, rollout.state === 'success', rollout);
}

function nextMinor(version: string): string {
  const [major = '1', minor = '0'] = version.split('.');
  return `${major}.${Number(minor) + 1}.0`;
}

export function interval({ estimate, lower, upper }: Estimate, metric: string): string {
  const digits = decimals(metric, estimate);
  if (lower === null || upper === null) return `${estimate.toFixed(digits)} (too few units for an interval)`;
  return `${estimate.toFixed(digits)} [${lower.toFixed(digits)}, ${upper.toFixed(digits)}]`;
}

function figuresOf({ metric, served, threshold, reference }: MonitorFigures['performance'][number]): string {
  const judged = reference === null ? '' : `, when judged ${reference.toFixed(decimals(metric, reference))}`;
  return `${metric} ${interval(served, metric)}, threshold ${threshold ?? 'none'}${judged}`;
}

function iso(at: Date): string {
  return at.toISOString();
}
