import type { DeploymentRecord } from '../rollout.ts';
import {
  type ChecklistFacts,
  daysSince,
  type Evidence,
  type Found,
  type Item,
  NO_VERSION,
  nothing,
  notRecorded,
  rolloutEvidence,
} from './facts.ts';

const DRILL_DAYS = 90;

/** Stage 4. */
export const DEPLOYMENT_ITEMS: Item[] = [
  {
    id: 'S-C1',
    title: 'Model packaging standardized',
    rule: 'The newest version is one bundle by digest, with a bill of materials (ML-BOM) on record.',
    check: packaged,
  },
  {
    id: 'S-C2',
    title: 'Deployment pipeline automated',
    rule: 'The last rollout in the last environment was carried out by runs of the deploy workflow that are on record.',
    check: deployedByWorkflow,
  },
  {
    id: 'S-C3',
    title: 'Scaling configured',
    rule: 'Replicas and limits of the newest version come from a benchmark of that version.',
    check: scaled,
  },
  {
    id: 'S-C4',
    title: 'Rollback procedures defined',
    rule: `Within the last ${DRILL_DAYS} days a rollback, a drill or a real one, brought a former version back: the runs that did it are on record.`,
    check: rolledBack,
  },
  {
    id: 'S-C5',
    title: 'API documented',
    rule: 'An OpenAPI description of the newest version, made from its signature, is on record.',
    check: documentedApi,
  },
];

function bundleEvidence({ newest }: ChecklistFacts): Evidence[] {
  if (!newest) return [];
  const { version, bundle } = newest.registration;
  return [{ text: `the bundle of v${version}`, at: { kind: 'registration', version }, digest: bundle }];
}

function packaged(facts: ChecklistFacts): Found {
  if (!facts.newest) return nothing(NO_VERSION);
  return {
    evidence: bundleEvidence(facts),
    missing: [notRecorded('a bill of materials (ML-BOM) of a version')],
  };
}

function deployedByWorkflow({ rollouts }: ChecklistFacts): Found {
  const last = rollouts.at(-1);
  if (!last) return nothing('nothing was rolled out yet');
  const runs = runsOf(last);
  if (runs.length === 0) return nothing('no run of the last rollout is on record yet');
  if (last.history.at(-1)?.run === null)
    return nothing('the last rollout was not ended by a run of the workflow');
  const text = `v${last.release.version} in ${last.environment}: ${last.phase} after ${runs.length} ${runs.length === 1 ? 'run' : 'runs'}`;
  return { evidence: [rolloutEvidence(last, text)], missing: [] };
}

function runsOf({ history }: DeploymentRecord): number[] {
  return history.flatMap(({ run }) => (run === null ? [] : [run]));
}

function scaled({ newest }: ChecklistFacts): Found {
  return nothing(newest === null ? NO_VERSION : notRecorded('a benchmark of a version'));
}

/** Taking back what had traffic counts; a version that never got any was not rolled back. */
function rolledBack({ rollouts }: ChecklistFacts, now: Date): Found {
  const last = rollouts.findLast(
    ({ phase, previous, history }) =>
      phase === 'rolled-back' &&
      previous !== null &&
      history.some((entry) => entry.phase === 'rolled-back' && entry.run !== null),
  );
  const at = last?.history.findLast(({ phase }) => phase === 'rolled-back')?.at;
  if (!last || at === undefined)
    return nothing('no rollback is on record: a paragraph about one does not count');
  const text = `v${last.previous?.version} served again in ${last.environment} on ${at.slice(0, 10)}`;
  const days = daysSince(at, now);
  return {
    evidence: [rolloutEvidence(last, text)],
    missing: days > DRILL_DAYS ? [`the last rollback on record is ${days} days old`] : [],
  };
}

function documentedApi({ newest }: ChecklistFacts): Found {
  return nothing(newest === null ? NO_VERSION : notRecorded('an OpenAPI description of a version'));
}
