import { evidenceAt, judgements } from './evidence.ts';
import type { Played } from './play.ts';
import { versions } from './scenes.ts';
import type { SummaryRow } from './summary.ts';
import type { MonitorFigures } from './year.ts';

/** The reference for the first version in the middle of the year (reference: 87 to 104 over several seeds). */
const STALE_MAE = { least: 80, most: 110 };

/** What must come out on the bikes. The rest is printed as it is, also where retraining does not help. */
export function judgeBikes({ stage: { expectations } }: Played, rows: readonly SummaryRow[]): void {
  for (const name of ['Q2 2012', 'Q3 2012']) {
    const row = rows.find(({ stretch }) => stretch === name);
    const first = row?.first?.estimate ?? Number.NaN;
    const served = row?.served.estimate ?? Number.NaN;
    expectations.expect(
      `${name}: the first version's ${row?.metric} is ${STALE_MAE.least} to ${STALE_MAE.most}`,
      first >= STALE_MAE.least && first <= STALE_MAE.most,
      first,
    );
    expectations.expect(`${name}: what was served is better than the first version alone`, served < first, {
      served,
      first,
    });
  }
  const opened = rows.filter(({ decision }) => decision === 'open').map(({ stretch }) => stretch);
  expectations.expect(
    'decay opened a retraining after Q1 and Q2',
    opened.includes('Q1 2012') && opened.includes('Q2 2012'),
    opened,
  );
}

/** What must hold on any data: that the figures hang together, whatever they are. */
export async function judgeStory(
  { stage, records, traffic }: Played,
  rows: readonly SummaryRow[],
): Promise<void> {
  const { expectations } = stage;
  expectations.expect('every request was answered', traffic.failed === 0, traffic);
  for (const [index, { path, decision, reasons }] of records.entries()) {
    const recorded = await evidenceAt<MonitorFigures>(stage, path);
    const row = rows[index];
    expectations.expect(
      `${row?.stretch}: the summary says what the evidence says`,
      JSON.stringify([row?.served, row?.predictions, row?.decay]) ===
        JSON.stringify([
          recorded.performance[0]?.served ?? row?.served,
          recorded.predictions,
          recorded.decay,
        ]),
      path,
    );
    expectations.expect(
      `${row?.stretch}: nothing is opened by drift alone`,
      decision === 'none' ||
        reasons.some(({ rule, verdict }) => rule.startsWith('labelled_loss') && verdict === 'failed'),
      reasons,
    );
  }
  await judgeVersions(stage);
}

/** Each version was judged, has a release with its model, and was served. */
async function judgeVersions(stage: Played['stage']): Promise<void> {
  const { expectations, people, model } = stage;
  const registered = await versions(stage);
  const releases = await people.mlLead.releases();
  const judged = await judgements(stage);
  expectations.expect('no version without an evaluation', registered.length <= judged.length, {
    registered,
    judged: judged.length,
  });
  const served = (await people.mlLead.deployments(`${model}/production`)).filter(({ state }) =>
    ['success', 'inactive'].includes(state),
  );
  expectations.expect('each version was deployed', served.length === registered.length, served);
  for (const version of registered) {
    const release = releases.find(({ tag, draft }) => tag === `${model}@v${version}` && !draft);
    expectations.expect(
      `v${version} has a release with its model`,
      release?.assets.includes('model.onnx') ?? false,
      release?.assets,
    );
  }
}
