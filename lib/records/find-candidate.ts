import { hexOf } from '#lib/formats/digest.ts';
import { type DeploymentRecord, deploymentRecordSchema } from '#lib/lifecycle/rollout.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import type { VersionAsk } from '#lib/lifecycle/version-ask.ts';
import { nearestVersions } from '#lib/lifecycle/version-order.ts';
import { type ModelHistory, readHistory } from './model-history.ts';
import { listRecords } from './records.ts';
import type { RecordSource, TagSource } from './source.ts';
import { readTaken } from './taken.ts';

export type FoundCandidate = {
  history: ModelHistory;
  deployments: DeploymentRecord[];
  candidate: Digest;
  /** What the digest that was asked for is of it, such as `bundle`; null where none was. */
  named: string | null;
};
/** `why`: nothing fits, and what would. */
export type Found = { candidates: FoundCandidate[]; why: string | null };

/** Names of all models that anything is on record of, also those whose folder is gone. */
export async function modelsOnRecord(records: Pick<RecordSource, 'paths'>): Promise<string[]> {
  const folders = ['runs/', 'registrations/', 'deployments/', 'monitor/'];
  const paths = (await Promise.all(folders.map((folder) => records.paths(folder)))).flat();
  return [...new Set(paths.flatMap((path) => path.split('/')[1] ?? []))].sort();
}

/** The candidates that somebody asks for: one, or the newest version of each model. */
export async function findCandidates(
  { records, tags }: { records: RecordSource; tags: TagSource },
  asked: VersionAsk,
): Promise<Found> {
  const known = await modelsOnRecord(records);
  const isModel = asked.digest !== null && known.includes(asked.digest);
  const ask = isModel ? { model: asked.digest, version: null, digest: null } : asked;
  if (ask.model !== null && !known.includes(ask.model))
    return none(`no model "${ask.model}" is on record; there ${listed(known, 'is')}`);
  const models = ask.model === null ? known : [ask.model];
  const histories = await Promise.all(models.map((model) => readHistory(records, tags, model)));
  const all = await Promise.all(
    histories.map(async (history) => ({
      history,
      deployments: await listRecords(records, `deployments/${history.model}/`, deploymentRecordSchema),
    })),
  );
  if (ask.digest !== null) return byDigest(records, all, ask.digest);
  const fitting = all.flatMap(({ history, deployments }) => {
    const { versions } = history.registry;
    const one =
      ask.version === null ? versions.at(-1) : versions.find(({ version }) => version === ask.version);
    return one ? [{ history, deployments, candidate: one.candidate, named: null }] : [];
  });
  return fitting.length > 0 ? { candidates: fitting, why: null } : none(unknownVersion(histories, ask));
}

function unknownVersion(histories: ModelHistory[], { version }: VersionAsk): string {
  const of = histories.map(({ model }) => model).join(', ');
  const versions = [
    ...new Set(histories.flatMap(({ registry }) => registry.versions.map((one) => one.version))),
  ];
  if (versions.length === 0) return `no version${of === '' ? '' : ` of ${of}`} is registered`;
  if (version === null) return `say which version of ${of}`;
  const nearest = nearestVersions(version, versions).map((one) => `v${one}`);
  return `no v${version} of ${of} is registered; nearest: ${nearest.join(', ')}`;
}

type Recorded = Pick<FoundCandidate, 'history' | 'deployments'>;

/** Everything that has a digest of its own leads to the candidates that it is part of. */
async function byDigest(records: RecordSource, all: readonly Recorded[], prefix: string): Promise<Found> {
  const candidates: FoundCandidate[] = [];
  for (const recorded of all) {
    const named = new Map<Digest, string>();
    for (const { digest, candidate, what } of await digestsOf(records, recorded)) {
      if (hexOf(digest).startsWith(prefix) && !named.has(candidate)) named.set(candidate, what);
    }
    candidates.push(...[...named].map(([candidate, what]) => ({ ...recorded, candidate, named: what })));
  }
  if (candidates.length === 0) return none(`nothing on record has a digest that begins with ${prefix}`);
  if (candidates.length === 1) return { candidates, why: null };
  const list = candidates.map(
    ({ candidate, history, named }) => `${named} of ${hexOf(candidate).slice(0, 16)} (${history.model})`,
  );
  return none(`${prefix} fits more than one candidate: ${list.join(', ')}`);
}

type Named = { digest: Digest; candidate: Digest; what: string };

async function digestsOf(records: RecordSource, { history }: Recorded): Promise<Named[]> {
  const found: Named[] = history.registry.versions.flatMap(({ candidate, bundle }) => [
    { digest: candidate, candidate, what: 'candidate' },
    { digest: bundle, candidate, what: 'bundle' },
  ]);
  for (const run of history.runs) {
    if (run.stage !== 'evaluate' || run.base !== null) continue;
    const { candidate, evaluate, accepted } = run;
    const add = (digest: Digest, what: string) => void found.push({ digest, candidate, what });
    add(candidate, 'candidate');
    add(evaluate, 'evidence of the evaluation');
    add(accepted.data, 'evidence of the data');
    for (const digest of accepted.train) add(digest, 'evidence of the training');
    const taken = await readTaken(records, 'evaluate', evaluate);
    if (typeof taken.found === 'string') continue;
    const { served, twin, bundle } = taken.found.predicate.result;
    add(served, 'served model');
    add(bundle, 'bundle');
    if (twin !== served) add(twin, 'judged twin');
  }
  return found;
}

function none(why: string): Found {
  return { candidates: [], why };
}

function listed(names: readonly string[], verb: string): string {
  return names.length === 0 ? `${verb} none` : `${names.length === 1 ? verb : 'are'} ${names.join(', ')}`;
}
