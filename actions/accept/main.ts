import { hexOf } from '#lib/formats/digest.ts';
import type { DataResult } from '#lib/lifecycle/data-evidence.ts';
import { type EvidenceStage, statementSchemas, type TrainResult } from '#lib/lifecycle/evidence.ts';
import type { JobPlan } from '#lib/lifecycle/plan.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { UserError } from '#lib/lifecycle/user-error.ts';
import { CorruptObject, MissingObject } from '#lib/store/errors.ts';
import type { ArtifactStore, Incoming } from '#lib/store/store.ts';
import type { StageDeps } from '../kit/stage.ts';

export type AcceptDeps = StageDeps & { incoming: Incoming; store: ArtifactStore };

const AGAIN =
  'nothing of this run counts: dispatch it again (`/plan`), and look at who can write to the store';

/**
 * First job of a trusted run: every object that the accepted statements name is hashed again and moved from
 * quarantine into the store. What is named twice is moved once; a second run of this job finds all in place.
 */
export async function main({ plan }: { plan: JobPlan }, deps: AcceptDeps): Promise<{ objects: Digest[] }> {
  const { accepted } = plan;
  if (accepted === null)
    throw new Error('accept runs with the plan of a trusted run, and this plan has no accepted statements');
  const subjects = new Map<string, Digest>();
  await collect({ stage: 'data', digest: accepted.data, plan, deps, subjects });
  for (const digest of accepted.train) await collect({ stage: 'train', digest, plan, deps, subjects });

  deps.progress.phase('accept: objects of the untrusted run');
  const total = subjects.size;
  let done = 0;
  for (const [name, digest] of subjects) {
    await accept({ name, digest, incoming: deps.incoming });
    done += 1;
    deps.progress.update(done, total, 'objects');
  }
  deps.progress.note(`${total} objects hashed and moved`);
  return { objects: [...new Set(subjects.values())] };
}

type Collecting = {
  stage: Extract<EvidenceStage, 'data' | 'train'>;
  digest: Digest;
  plan: JobPlan;
  deps: AcceptDeps;
  subjects: Map<string, Digest>;
};

async function collect({ stage, digest, plan, deps, subjects }: Collecting): Promise<void> {
  const text = Buffer.from(await deps.store.get(digest)).toString('utf8');
  const { subject, predicate } = statementSchemas[stage].parse(JSON.parse(text));
  if (predicate.model !== plan.model) {
    throw new UserError(
      `the ${stage} statement ${digest} is of model ${predicate.model}, not ${plan.model}`,
      {
        fix: AGAIN,
      },
    );
  }
  const brought = new Set(subject.map(({ digest: { sha256 } }) => sha256));
  const bare = objectsOf(predicate.result).find((object) => !brought.has(hexOf(object)));
  if (bare !== undefined) {
    throw new UserError(`the ${stage} statement ${digest} rests on ${bare}, and brings no such object`, {
      fix: AGAIN,
    });
  }
  for (const { name, digest: found } of subject) {
    const named: Digest = `sha256:${found.sha256}`;
    const former = subjects.get(name);
    if (former !== undefined && former !== named)
      throw new UserError(`two statements name ${name}, as ${former} and as ${named}`, { fix: AGAIN });
    subjects.set(name, named);
  }
}

/** Objects that a result rests on and that its own run must have made. */
function objectsOf(result: DataResult | TrainResult): Digest[] {
  if ('twin' in result) return [result.twin.model, result.served.model, result.seen];
  const parts = Object.values(result.parts).filter((part) => part !== null);
  return [result.output.object, result.profile, ...parts.flatMap(({ object, keys }) => [object, keys])];
}

type Accepting = { name: string; digest: Digest; incoming: Incoming };

async function accept({ name, digest, incoming }: Accepting): Promise<void> {
  try {
    await incoming.accept(name, digest);
  } catch (cause) {
    if (cause instanceof CorruptObject)
      throw new UserError(`${name} should be ${digest}, and has ${cause.actual}`, { fix: AGAIN, cause });
    if (cause instanceof MissingObject)
      throw new UserError(`${name} (${digest}) is neither in quarantine nor in the store`, {
        fix: AGAIN,
        cause,
      });
    throw cause;
  }
}
