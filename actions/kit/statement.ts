import { cpus } from 'node:os';
import { digestOf, hexOf } from '#lib/formats/digest.ts';
import {
  EVIDENCE_MAX_BYTES,
  type EvidenceStage,
  predicateType,
  STATEMENT_TYPE,
  type Statement,
  statementSchemas,
} from '#lib/lifecycle/evidence.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { StageDeps } from './stage.ts';
import { packageVersion } from './version.ts';

export type Subject = { name: string; digest: Digest };

type StatementParts<Stage extends EvidenceStage> = {
  model: string;
  /** Digest of the plan or deployment record it was made for; null where nobody dispatched it. */
  plan: Digest | null;
  startedAt: Date;
  finishedAt?: Date;
  subjects: Subject[];
  result: Statement<Stage>['predicate']['result'];
};

/** An in-toto Statement v1 of one stage, checked against the stage's schema before anyone sees it. */
export function makeStatement<Stage extends EvidenceStage>(
  stage: Stage,
  parts: StatementParts<Stage>,
  deps: Pick<StageDeps, 'run'>,
): Statement<Stage> {
  const statement = statementSchemas[stage].parse({
    _type: STATEMENT_TYPE,
    subject: parts.subjects.map(({ name, digest }) => ({ name, digest: { sha256: hexOf(digest) } })),
    predicateType: predicateType(stage),
    predicate: {
      model: parts.model,
      plan: parts.plan,
      run: deps.run,
      started_at: parts.startedAt.toISOString(),
      finished_at: (parts.finishedAt ?? new Date()).toISOString(),
      machine: {
        roundhouse: packageVersion(),
        node: process.version,
        platform: `${process.platform}-${process.arch}`,
        cpus: cpus().length,
      },
      result: parts.result,
    },
  }) as Statement<Stage>;
  const size = Buffer.byteLength(statementText(statement));
  if (size > EVIDENCE_MAX_BYTES)
    throw new Error(`the ${stage} statement has ${size} bytes; at most ${EVIDENCE_MAX_BYTES} are taken`);
  return statement;
}

/** The bytes of `statement.json`. */
export function statementText(statement: Statement): string {
  return `${JSON.stringify(statement, null, 2)}\n`;
}

export function statementDigest(statement: Statement): Digest {
  return digestOf(statementText(statement));
}
