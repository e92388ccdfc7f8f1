import type { Evidence } from '../checklist/facts.ts';
import type { Estimate } from '../evidence.ts';
import type { Taken } from '../lineage.ts';
import type { Digest } from '../scalars.ts';
import type { ComplianceFacts } from './facts.ts';

type Statements = { data: 'data'; train: 'train'; evaluate: 'evaluate' };

/** What evidence says, where it is there and unchanged. */
export function of<Stage extends keyof Statements>(
  taken: Taken<Stage> | null | undefined,
  say: (predicate: Exclude<Taken<Stage>['found'], string>['predicate']) => string,
): Evidence[] {
  if (!taken || typeof taken.found === 'string') return [];
  return [evidence(taken.digest, say(taken.found.predicate), taken.digest)];
}

export function evaluated(
  { newest }: ComplianceFacts,
  say: (result: Exclude<Taken<'evaluate'>['found'], string>['predicate']['result']) => string,
): Evidence[] {
  return of(newest?.evaluate, ({ result }) => say(result));
}

export function evidence(statement: Digest, text: string, digest: Digest): Evidence {
  return { text, at: { kind: 'evidence', digest: statement }, digest };
}

export function fileOf(model: string, name: string, text: string, digest: Digest | null): Evidence {
  return committed(`models/${model}/${name}`, text, digest);
}

export function committed(path: string, text: string, digest: Digest | null): Evidence {
  return { text, at: { kind: 'file', path }, digest };
}

export function day(instant: string): string {
  return instant.slice(0, 10);
}

export function figure(value: number): string {
  return Number(value.toPrecision(4)).toString();
}

export function interval({ estimate, lower, upper }: Estimate): string {
  return lower === null || upper === null
    ? `${figure(estimate)} (no interval)`
    : `${figure(estimate)} [${figure(lower)}, ${figure(upper)}]`;
}
