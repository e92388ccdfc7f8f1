import { digestOf } from '#lib/formats/digest.ts';
import type { ApprovalCount } from '#lib/lifecycle/approval.ts';
import type { GateResult, Statement } from '#lib/lifecycle/evidence.ts';
import type { CountedAsk } from '../../app/approvals.ts';
import type { Standing } from '../../app/standing.ts';

/** The parts of facts that these decisions look at; the rest of evidence is not theirs to read. */
export function gate(
  name: string,
  verdict: GateResult['verdict'],
  on_inconclusive: GateResult['on_inconclusive'] = 'ask',
): GateResult {
  return { name, kind: 'threshold', verdict, on_inconclusive, expected: '', actual: '' };
}

export function judged(
  gates: GateResult[],
  { committed = true, contract = 'passed', overrides = [] as string[] } = {},
): Standing {
  const evaluate = { predicate: { result: { gates } } } as unknown as Statement<'evaluate'>;
  const data = {
    predicate: { result: { rows: 8000, contract: { verdict: contract, reasons: [] } } },
  } as unknown as Statement<'data'>;
  const evidence = { record: { candidate: digestOf('candidate') }, data, train: [], evaluate };
  return {
    state: 'judged',
    committed,
    champion: null,
    overrides: overrides.map((gate) => ({ gate })),
    evidence,
  } as unknown as Standing;
}

export function ask(count: Partial<ApprovalCount>): CountedAsk {
  return {
    subject: 'candidate',
    model: 'bikes',
    digest: digestOf('candidate'),
    rules: [],
    author: null,
    committers: [],
    causers: [],
    count: { state: 'missing', counted: [], refused: [], missing: [], ...count },
  };
}
