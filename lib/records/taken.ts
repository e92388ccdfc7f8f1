import { digestOf } from '#lib/formats/digest.ts';
import { type EvidenceStage, type Statement, statementSchemas } from '#lib/lifecycle/evidence.ts';
import type { Taken } from '#lib/lifecycle/lineage.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { recordPath } from './records.ts';
import type { RecordSource } from './source.ts';

/** A clone can be changed by hand: the bytes are held against the digest that names them. */
export async function readTaken<Stage extends EvidenceStage>(
  records: Pick<RecordSource, 'read'>,
  stage: Stage,
  digest: Digest,
): Promise<Taken<Stage>> {
  const text = await records.read(recordPath.evidence(digest));
  if (text === null) return { digest, found: 'absent' };
  if (digestOf(text) !== digest) return { digest, found: 'altered' };
  return { digest, found: statementSchemas[stage].parse(JSON.parse(text)) as Statement<Stage> };
}
