import type { GateResult } from '#lib/lifecycle/evidence.ts';
import type { OverrideRecord } from '#lib/lifecycle/records.ts';

export type OverrideFacts = {
  /** As it was typed. */
  gate: string;
  gates: readonly Pick<GateResult, 'name' | 'verdict'>[];
  /** Overrides of this candidate that count now. */
  known: readonly Pick<OverrideRecord, 'gate' | 'people'>[];
};

export type OverridePlan =
  | { kind: 'refuse'; reason: string }
  | { kind: 'override'; gate: string; verdict: 'failed' | 'inconclusive' };

/**
 * Which gate an override passes: exactly one of a candidate. The data contract, the digests, the golden rows and the
 * canary are no gates of it, so none of them can be passed this way.
 */
export function decideOverride({ gate: typed, gates, known }: OverrideFacts): OverridePlan {
  const gate = gates.find(({ name }) => name.toLowerCase() === typed.toLowerCase());
  const open = gates.filter(({ verdict }) => verdict !== 'passed').map(({ name }) => `"${name}"`);
  if (!gate) {
    const choices = open.length > 0 ? `it can be one of ${open.join(', ')}` : 'every gate passed';
    return { kind: 'refuse', reason: `there is no gate "${typed}": ${choices}` };
  }
  if (gate.verdict === 'passed')
    return { kind: 'refuse', reason: `"${gate.name}" passed: nothing to override` };
  const [other] = known;
  if (other) {
    const who = other.people.join(' and ');
    return {
      kind: 'refuse',
      reason: `one gate of a candidate can be overridden, and ${who} did "${other.gate}": bring another candidate`,
    };
  }
  return { kind: 'override', gate: gate.name, verdict: gate.verdict };
}
