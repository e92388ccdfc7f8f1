import { minute } from '#lib/formats/lineage-view.ts';
import type { Check, Conclusion } from '#lib/github/checks.ts';
import type { EvaluateResult, GateResult } from '#lib/lifecycle/evidence.ts';
import type { HoldRecord, OverrideRecord } from '#lib/lifecycle/records.ts';
import type { CountedAsk, StandingView } from '../approvals.ts';
import type { Conflict, Unplanned } from '../pull-facts.ts';
import type { Standing } from '../standing.ts';

export const CHECKS = ['data', 'model', 'approval', 'gate'] as const;
export type CheckName = (typeof CHECKS)[number];

/** One model of a pull request, as far as its checks depend on it. */
export type GateModel = {
  model: string;
  standing: Standing;
  asks: CountedAsk[];
  /** Why the judged candidate is out of service: people rolled it back before. */
  frozen: string | null;
};
export type GateFacts = {
  conflict: Conflict | null;
  faults: string[];
  hold: HoldRecord | null;
  models: GateModel[];
  /** What is to be approved apart from any model. */
  asks: CountedAsk[];
  /** The branch that it is proposed to, where that isn't the default one: no version is made of it. */
  elsewhere: string | null;
};

/** What one check says; `null` = still working. */
export type Finding = { conclusion: Conclusion | null; title: string };

/** Worst first. Work that goes on says more than a question to people, which is asked when it has ended. */
const ORDER: (Conclusion | null)[] = ['failure', null, 'action_required', 'neutral', 'success'];

/** The four checks of a head. `roundhouse/gate` is the sum of the others, and the one meant to be required. */
export function decideChecks({
  conflict,
  faults,
  hold,
  models,
  asks,
  elsewhere,
}: GateFacts): Record<CheckName, Finding> {
  if (conflict) return all({ conclusion: 'failure', title: conflictTitle(conflict) });
  if (faults.length > 0) {
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
    return all({ conclusion: 'failure', title: `${count} in the configuration files` });
  }
  const aspects = models.map(aspectsOf);
  const data = sum(aspects.map((aspect) => aspect.data));
  const model = sum(aspects.map((aspect) => aspect.model));
  const approvals = [
    ...aspects.map((aspect) => aspect.approval),
    ...(asks.length > 0 ? [approvalOf(asks)] : []),
  ];
  const approval = hold ? heldBy(hold) : sum(approvals);
  return { data, model, approval, gate: gateOf([data, model, approval], { models, elsewhere }) };
}

const FILES_IN_TITLE = 3;

function conflictTitle({ files, regenerated }: Conflict): string {
  const named = files.length > 0 ? files : regenerated;
  const more = named.length > FILES_IN_TITLE ? ` and ${named.length - FILES_IN_TITLE} more` : '';
  const where = named.length > 0 ? ` in ${named.slice(0, FILES_IN_TITLE).join(', ')}${more}` : '';
  const next = files.length > 0 ? 'merge the base by hand' : '`/update`';
  return `out of date: conflicts${where}: ${next}`;
}

/** The checks of a head of which nothing is planned. */
export function unplannedChecks({ isWrong, reason }: Unplanned): Record<CheckName, Finding> {
  return all({ conclusion: isWrong ? 'failure' : 'success', title: reason });
}

/** The checks as they are posted. */
export function checksOf(
  findings: Record<CheckName, Finding>,
  { details_url, external_id }: Pick<Check, 'details_url' | 'external_id'>,
): Check[] {
  return CHECKS.map((name) => ({
    name: `roundhouse/${name}`,
    title: findings[name].title,
    summary: findings[name].title,
    conclusion: findings[name].conclusion,
    details_url,
    external_id,
  }));
}

/**
 * Gates that keep a candidate out, those that cannot tell and ask for one more approval, and those that people pass
 * by an override.
 */
export function openGates(
  { gates }: EvaluateResult,
  overrides: readonly Pick<OverrideRecord, 'gate'>[],
): Record<'blocking' | 'asking' | 'overridden', GateResult[]> {
  const isOverridden = ({ name, verdict }: GateResult) =>
    verdict !== 'passed' && overrides.some(({ gate }) => gate === name);
  const standing = gates.filter((gate) => !isOverridden(gate));
  const inconclusive = standing.filter(({ verdict }) => verdict === 'inconclusive');
  return {
    blocking: [
      ...standing.filter(({ verdict }) => verdict === 'failed'),
      ...inconclusive.filter(({ on_inconclusive }) => on_inconclusive === 'block'),
    ],
    asking: inconclusive.filter(({ on_inconclusive }) => on_inconclusive === 'ask'),
    overridden: gates.filter(isOverridden),
  };
}

const WORKING = {
  data: 'building the holdout for the champion of now',
  train: 'training',
  evaluate: 'judging the candidate',
} as const;

type Aspects = Record<'data' | 'model' | 'approval', Finding>;

function aspectsOf({ standing, asks, frozen }: GateModel): Aspects {
  const approval = approvalOf(asks);
  switch (standing.state) {
    case 'untouched':
      return { data: done('unchanged'), model: done('unchanged'), approval };
    case 'removed':
      return { data: done('removed'), model: done('removed'), approval };
    case 'definition':
      return { data: done('definition only'), model: done('definition only'), approval };
    case 'out-of-date': {
      const stale: Finding = { conclusion: 'failure', title: standing.reason };
      return { data: stale, model: stale, approval };
    }
    case 'waiting': {
      const draft: Finding = {
        conclusion: 'action_required',
        title: 'a draft: /plan starts it, or mark it ready',
      };
      return { data: draft, model: draft, approval: neutral('nothing to approve yet') };
    }
    case 'over-budget': {
      const spent = working(`waits for the budget: ${budgetWords(standing)}`);
      return { data: spent, model: spent, approval: working('waits for the evaluation') };
    }
    case 'working':
      return {
        data: standing.stage === 'evaluate' ? done('the contract holds') : working('preparing data'),
        model: working(WORKING[standing.stage]),
        approval: working('waits for the evaluation'),
      };
    case 'fault': {
      const broken: Finding = { conclusion: 'failure', title: `could not finish: ${standing.note}` };
      const data = standing.stage === 'evaluate' ? done('the contract holds') : broken;
      return { data, model: broken, approval: neutral('nothing to approve yet') };
    }
    case 'data-failed': {
      const { reasons } = standing.data.predicate.result.contract;
      const failed = reasons.filter(({ verdict }) => verdict === 'failed').length;
      return {
        data: { conclusion: 'failure', title: `the data break ${failed} rules of the contract` },
        model: neutral('not judged: the data failed'),
        approval: neutral('nothing to approve'),
      };
    }
    case 'judged':
      return { data: dataFinding(standing), model: modelFinding(standing, frozen), approval };
  }
}

/** What is used up, and when there is room again. */
export function budgetWords({ reasons, until }: { reasons: string[]; until: string }): string {
  return `${reasons.join(', ')}; free again at ${minute(until)}`;
}

type Judged = Extract<Standing, { state: 'judged' }>;

function dataFinding({ evidence }: Judged): Finding {
  const { contract, rows } = evidence.data.predicate.result;
  const title = `${rows.toLocaleString('en-US')} rows, contract ${contract.verdict}`;
  return { conclusion: contract.verdict === 'inconclusive' ? 'neutral' : 'success', title };
}

function modelFinding({ evidence, committed, overrides }: Judged, frozen: string | null): Finding {
  if (frozen !== null) return { conclusion: 'failure', title: frozen };
  const { result } = evidence.evaluate.predicate;
  const { blocking, asking, overridden } = openGates(result, overrides);
  const names = (gates: GateResult[]) => gates.map(({ name }) => name).join(', ');
  if (blocking.length > 0) return { conclusion: 'failure', title: `stopped by ${names(blocking)}` };
  if (!committed) return working('writing the locks');
  const count = result.gates.length - asking.length - overridden.length;
  const said = [
    `${count} of ${result.gates.length} gates passed`,
    ...(overridden.length > 0 ? [`passed by override: ${names(overridden)}`] : []),
    ...(asking.length > 0 ? [`cannot tell: ${names(asking)}`] : []),
  ];
  const isPlain = said.length === 1;
  return { conclusion: isPlain ? 'success' : 'neutral', title: said.join('; ') };
}

function approvalOf(asks: CountedAsk[]): Finding {
  const missing = asks.flatMap(({ count }) => count.missing);
  if (missing.length > 0) {
    const given = asks.flatMap(({ count }) => count.counted).length;
    const wanted = missing.reduce((sum, { count }) => sum + count, given);
    const needs = missing.map(({ rule, count, roles }) => {
      const why = rule === 'inconclusive' ? ' (a gate is inconclusive)' : '';
      return `${count} by ${roles.join(' or ')}${why}`;
    });
    return {
      conclusion: 'action_required',
      title: `${given} of ${wanted} approvals; missing: ${needs.join(', ')}`,
    };
  }
  const grants = asks.flatMap(({ standing }) => standing?.grant ?? []);
  if (grants.length > 0) return done(grants.map(standingWords).join('; '));
  const people = asks.flatMap(({ count }) => count.counted.map(({ login }) => login));
  return done(people.length > 0 ? `approved by ${[...new Set(people)].join(', ')}` : 'no approval needed');
}

export function standingWords({ people, version, of }: NonNullable<StandingView['grant']>): string {
  return `standing approval of ${people.join(', ')} (${version} of ${of} versions)`;
}

function heldBy({ login }: HoldRecord): Finding {
  return { conclusion: 'failure', title: `held by ${login}: /unhold lifts it` };
}

function gateOf(parts: Finding[], { models, elsewhere }: Pick<GateFacts, 'models' | 'elsewhere'>): Finding {
  if (models.every(({ standing }) => standing.state === 'untouched') && parts.every(isGood)) {
    return done('no model touched');
  }
  const worst = sum(parts);
  if (!isGood(worst)) return worst;
  const has = (state: Standing['state']) => models.some(({ standing }) => standing.state === state);
  if (has('definition') && !has('judged')) return done('definition only');
  return done(
    elsewhere === null
      ? 'may be merged'
      : `may be merged into ${elsewhere}: judged, and deployed only from the default branch`,
  );
}

function isGood({ conclusion }: Finding): boolean {
  return conclusion === 'success' || conclusion === 'neutral';
}

function sum(findings: Finding[]): Finding {
  const sorted = findings.toSorted((a, b) => ORDER.indexOf(a.conclusion) - ORDER.indexOf(b.conclusion));
  return sorted[0] ?? done('no model touched');
}

function all(finding: Finding): Record<CheckName, Finding> {
  return { data: finding, model: finding, approval: finding, gate: finding };
}

function done(title: string): Finding {
  return { conclusion: 'success', title };
}

function neutral(title: string): Finding {
  return { conclusion: 'neutral', title };
}

function working(title: string): Finding {
  return { conclusion: null, title };
}
