import { evaluation, windowEvidence } from '../checklist/facts.ts';
import type { DashboardFacts, Recommendation } from './facts.ts';

/** From this share of the looks at a holdout on, a fresh one is worth its rows. */
const WORN = 0.8;
const MOST = 5;

/** What the evidence speaks for, most pressing first. Without evidence there is nothing to recommend. */
export function recommendationsOf(board: DashboardFacts, now: Date): Recommendation[] {
  return [...ofWindows(board, now), ...ofNewest(board)].slice(0, MOST);
}

function ofWindows({ facts, pulls }: DashboardFacts, now: Date): Recommendation[] {
  const { record, result } = facts.windows.at(-1) ?? {};
  if (!record || !result) return [];
  const day = record.as_of.slice(0, 10);
  const found: Recommendation[] = [];
  const recommend = (text: string, said: string) =>
    found.push({ text, evidence: windowEvidence(record, said) });
  if (record.decay === 'failed' && !pulls.some(({ isRetraining }) => isRetraining))
    recommend(
      'Retrain: the error on labels is outside its bounds, and no retraining is open.',
      `as of ${day}`,
    );
  if (facts.schedule !== null && now.getTime() - Date.parse(record.at) > 2 * facts.schedule)
    recommend(
      'See why the monitor has stopped: twice its schedule has passed.',
      `last window of ${record.at.slice(0, 10)}`,
    );
  const { coverage, state } = result.labels;
  if (state === 'ready' && coverage < facts.data.labels.min_coverage)
    recommend(
      'Bring back more labels: below the share that data.yml asks for no verdict is given.',
      `${Math.round(coverage * 100)} % as of ${day}`,
    );
  const drifted = result.drift.filter(({ verdict, seasonal }) => verdict === 'drifted' && !seasonal);
  if (drifted.length > 0 && record.decay !== 'failed')
    recommend(
      `Look at the inputs that have drifted, before they cost: ${drifted.map(({ column }) => column).join(', ')}.`,
      `as of ${day}`,
    );
  return found;
}

function ofNewest({ facts }: DashboardFacts): Recommendation[] {
  const { newest, data } = facts;
  if (!newest) return [];
  const { recent, slices, gates } = newest.evaluate;
  const version = `v${newest.registration.version}`;
  const found: Recommendation[] = [];
  const recommend = (text: string, said: string) => found.push({ text, evidence: evaluation(newest, said) });
  if (recent.look >= WORN * data.holdout.max_looks)
    recommend(
      'Refresh the recent holdout: what was looked at often has taken part in the search.',
      `look ${recent.look} of ${data.holdout.max_looks}`,
    );
  const unsure = gates.filter(({ verdict }) => verdict === 'inconclusive');
  if (unsure.length > 0)
    recommend(
      `Give the holdout more rows: they could not tell for ${unsure.map(({ name }) => name).join(', ')}.`,
      `${recent.unit.count} units for ${version}`,
    );
  const whole = recent.comparisons[0]?.candidate;
  const worse = slices.filter(
    ({ metric, estimate }) =>
      metric === recent.comparisons[0]?.metric &&
      whole !== undefined &&
      whole.upper !== null &&
      estimate.lower !== null &&
      facts.problem.success[0]?.direction === 'minimize' &&
      estimate.lower > whole.upper,
  );
  const worst = worse.toSorted((a, b) => b.estimate.estimate - a.estimate.estimate)[0];
  if (worst)
    recommend(
      `Work on the slice ${worst.column} = ${worst.value}: all of its interval is above that of all rows.`,
      `${worst.rows} rows for ${version}`,
    );
  return found;
}
