import {
  type ChecklistFacts,
  evaluation,
  type Found,
  type Item,
  NO_VERSION,
  nothing,
  notRecorded,
  rolloutEvidence,
  windowEvidence,
} from './facts.ts';

/** Stage 6. */
export const RETRAINING_ITEMS: Item[] = [
  {
    id: 'R-C1',
    title: 'Retraining triggers defined',
    rule: 'The triggers of operate.yml were back-tested on past windows.',
    check: () => nothing(notRecorded('a back-test of the retraining triggers')),
  },
  {
    id: 'R-C2',
    title: 'Automated retraining pipeline',
    rule: 'A window asked for a retraining, the app opened its pull request, and the candidate of that pull request was trained and judged.',
    check: retrained,
  },
  {
    id: 'R-C3',
    title: 'Validation process established',
    rule: 'The newest version was judged by its gates on a recent holdout: rows later than those that its twin was trained on.',
    check: validated,
  },
  {
    id: 'R-C4',
    title: 'Deployment automation',
    rule: 'A version that a retraining brought was rolled out in the last environment by runs of the deploy workflow.',
    check: redeployed,
  },
  {
    id: 'R-C5',
    title: 'Performance comparison framework',
    rule: 'A record says what a retrained version has really gained over the version that it replaced.',
    check: () => nothing(notRecorded('the realised uplift of a version')),
  },
];

function retrained({ retrainings, judged }: ChecklistFacts): Found {
  if (retrainings.length === 0) return nothing('no window has led to a retraining pull request yet');
  const last = retrainings.findLast(({ pull }) => judged.some((run) => run.pull === pull));
  const run = last && judged.findLast(({ pull }) => pull === last.pull);
  if (!last || !run) return nothing('no candidate of a retraining pull request was judged yet');
  return {
    evidence: [
      windowEvidence(last.window, `asked for as of ${last.window.as_of.slice(0, 10)}`),
      { text: 'its pull request', at: { kind: 'pull-request', number: last.pull }, digest: run.candidate },
      { text: 'its evaluation', at: { kind: 'evidence', digest: run.evaluate }, digest: run.evaluate },
    ],
    missing: [],
  };
}

/** Without a time a row's part is a function of its key: then no judged row may have been seen in training. */
function validated({ newest }: ChecklistFacts): Found {
  if (!newest) return nothing(NO_VERSION);
  const { evaluate, data } = newest;
  const { from } = evaluate.recent.part;
  const until = lastOf([data.parts.train.until, data.parts.validation.until]);
  const version = `v${newest.registration.version}`;
  if (evaluate.recent.rows === 0 || evaluate.gates.length === 0)
    return nothing(`no gate judged ${version} on rows of a recent holdout`);
  if (from !== null && until !== null && Date.parse(from) <= Date.parse(until))
    return nothing(
      `the holdout of ${version} begins on ${from.slice(0, 10)}, and its twin was trained up to ${until.slice(0, 10)}`,
    );
  const since = from === null ? '' : ` from ${from.slice(0, 10)} on`;
  const text = `${evaluate.gates.length} gates on ${evaluate.recent.rows} rows${since}`;
  return { evidence: [evaluation(newest, text)], missing: [] };
}

function lastOf(instants: (string | null)[]): string | null {
  const known = instants.filter((instant) => instant !== null);
  return known.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(-1) ?? null;
}

function redeployed({ retrainings, judged, versions, rollouts }: ChecklistFacts): Found {
  const pulls = new Set(retrainings.map(({ pull }) => pull));
  const candidates = new Set(judged.filter(({ pull }) => pulls.has(pull)).map(({ candidate }) => candidate));
  const retrainedVersions = versions.filter(({ candidate }) => candidates.has(candidate));
  if (retrainedVersions.length === 0) return nothing('no version came of a retraining yet');
  const rollout = rollouts.findLast(
    ({ release, phase, history }) =>
      phase === 'succeeded' && candidates.has(release.candidate) && history.some(({ run }) => run !== null),
  );
  if (!rollout) return nothing('no version that a retraining brought was rolled out yet');
  const text = `v${rollout.release.version} in ${rollout.environment}`;
  return { evidence: [rolloutEvidence(rollout, text)], missing: [] };
}
