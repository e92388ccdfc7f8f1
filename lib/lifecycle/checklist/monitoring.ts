import type { MonitorResult } from '../evidence.ts';
import type { MonitorRecord } from '../records.ts';
import { type ChecklistFacts, type Found, type Item, nothing, notRecorded, windowEvidence } from './facts.ts';

/** Stage 5. */
export const MONITORING_ITEMS: Item[] = [
  {
    id: 'F-C1',
    title: 'Performance monitoring',
    rule: 'A window on record within twice the schedule has errors on matured labels, with an interval.',
    check: performanceWatched,
  },
  {
    id: 'F-C2',
    title: 'Drift detection',
    rule: 'A window on record within twice the schedule compared the inputs with the reference, and a test on record shows that it tells an injected shift.',
    check: driftWatched,
  },
  {
    id: 'F-C3',
    title: 'Alert thresholds configured',
    rule: 'The thresholds of operate.yml were back-tested on past windows.',
    check: thresholdsTested,
  },
  {
    id: 'F-C4',
    title: 'Feedback collection',
    rule: 'In the newest window with matured labels at least the share of labels that data.yml asks for came back.',
    check: feedbackCollected,
  },
  {
    id: 'F-C5',
    title: 'Business impact measurement',
    rule: 'problem.yml says what errors cost, and the newest window with matured labels says what they have cost, with an interval.',
    check: impactMeasured,
  },
];

const NO_WINDOW = 'no window of the live model is on record yet';

type Window = { record: MonitorRecord; result: MonitorResult };

function isRead(window: ChecklistFacts['windows'][number]): window is Window {
  return window.result !== null;
}

/** The newest window, where it was recorded within twice the schedule; else why there is none. */
function freshWindow({ windows, schedule }: ChecklistFacts, now: Date): Window | string {
  const last = windows.filter(isRead).at(-1);
  if (!last) return NO_WINDOW;
  if (schedule === null) return 'the schedule of the monitor workflow cannot be read';
  const age = now.getTime() - Date.parse(last.record.at);
  return age <= 2 * schedule
    ? last
    : `the last window was recorded on ${last.record.at.slice(0, 10)}: the schedule has stopped`;
}

function matured({ windows }: ChecklistFacts): Window | undefined {
  return windows.filter(isRead).findLast(({ result }) => result.labels.state === 'ready');
}

function performanceWatched(facts: ChecklistFacts, now: Date): Found {
  const found = freshWindow(facts, now);
  if (typeof found === 'string') return nothing(found);
  const { record, result } = found;
  const told = result.performance.filter(({ served }) => served.lower !== null && served.upper !== null);
  if (told.length === 0)
    return nothing('the newest window has no figure with an interval: its labels are pending, or too few');
  const text = `${told.map(({ metric }) => metric).join(', ')} as of ${record.as_of.slice(0, 10)}`;
  return { evidence: [windowEvidence(record, text)], missing: [] };
}

function driftWatched(facts: ChecklistFacts, now: Date): Found {
  const found = freshWindow(facts, now);
  const injected = notRecorded('a test on an injected shift');
  if (typeof found === 'string') return { evidence: [], missing: [found, injected] };
  const { record, result } = found;
  const text = `${result.drift.length} columns compared as of ${record.as_of.slice(0, 10)}: ${result.drift_verdict}`;
  return {
    evidence: result.drift.length > 0 ? [windowEvidence(record, text)] : [],
    missing: [...(result.drift.length > 0 ? [] : ['the newest window compared no column']), injected],
  };
}

function thresholdsTested(): Found {
  return nothing(notRecorded('a back-test of the alert thresholds'));
}

function feedbackCollected(facts: ChecklistFacts): Found {
  const found = matured(facts);
  if (!found) return nothing('no window with matured labels is on record yet');
  const { labelled, matured: expected, coverage } = found.result.labels;
  const wanted = facts.data.labels.min_coverage;
  const text = `${labelled} of ${expected} labels as of ${found.record.as_of.slice(0, 10)}`;
  return {
    evidence: labelled > 0 ? [windowEvidence(found.record, text)] : [],
    missing:
      coverage >= wanted && labelled > 0
        ? []
        : [`labels came back for ${percent(coverage)}, and ${percent(wanted)} is asked for`],
  };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function impactMeasured(facts: ChecklistFacts): Found {
  if (facts.problem.value === null) return nothing('problem.yml does not say what errors cost (`value:`)');
  const found = matured(facts);
  if (!found) return nothing('no window with matured labels is on record yet');
  const { value } = found.result;
  if (value === null || value.served.lower === null)
    return nothing('the newest window with matured labels has no cost with an interval');
  const text = `${value.unit} per 1,000 predictions as of ${found.record.as_of.slice(0, 10)}`;
  return { evidence: [windowEvidence(found.record, text)], missing: [] };
}
