import { canonicalJson, digestOf } from '#lib/formats/digest.ts';
import { problemDigest } from '#lib/formats/digests.ts';
import { renderTagMessage } from '#lib/formats/registry-tags.ts';
import type { EvidenceStage } from '#lib/lifecycle/evidence.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { recordPath, recordText } from '#lib/records/records.ts';
import type { RecordSource, TagSource } from '#lib/records/source.ts';
import { bikes, bikesTexts } from '../formats/bikes.ts';
import { dataResult, digest, evaluateResult, trainResult } from '../formats/sample-evidence.ts';
import { rollout } from '../lifecycle/checklist-facts.ts';
import { statementOf } from '../loop/statements.ts';

export const COMMIT = 'a'.repeat(40);
export const CANDIDATE = digest('d');
const WEB = 'https://github.com/acme/bikes';
const AT = '2026-02-27T10:00:00.000Z';

/** Branch `roundhouse` and tags of one model with one version, in memory: what a test takes away is missing. */
export function recorded() {
  const files = new Map<string, string>();
  const put = (path: string, value: unknown) => void files.set(path, recordText(value));
  const evidence = (stage: EvidenceStage, result: unknown): Digest => {
    const run = { id: 11, attempt: 1, repository: 'acme/bikes' };
    const text = canonicalJson(statementOf(stage, { model: 'bikes', plan: null, run, result }));
    files.set(recordPath.evidence(digestOf(text)), text);
    return digestOf(text);
  };
  const problem = problemDigest(bikes().problem);
  const trained = [0, 1].map((index) =>
    evidence('train', trainResult({ candidate: { ...trainResult().candidate, index } })),
  );
  const taken = { data: evidence('data', dataResult()), train: trained };
  const evaluate = evidence('evaluate', evaluateResult());
  const judged = {
    ...{ kind: 'roundhouse-run', request_id: 'abc', model: 'bikes', pull_request: 3, champion: null, at: AT },
    digests: { code: digest('1'), config: digest('2'), gates: digest('3'), policy: digest('4'), problem },
    plan: digest('5'),
  };
  const run = { id: 11, attempt: 1 };
  put(recordPath.run('bikes', run), { ...judged, stage: 'train', run, ...taken });
  const judging = { id: 12, attempt: 1 };
  const found = { candidate: CANDIDATE, accepted: { run, ...taken }, evaluate };
  put(recordPath.run('bikes', judging), { ...judged, stage: 'evaluate', run: judging, ...found });
  const approve = (of: Digest, login: string, comment: number) =>
    put(recordPath.approval(of, comment), {
      ...{ kind: 'roundhouse-approval', digest: of, comment, issue: 1, login, roles: ['ml-lead'], at: AT },
      url: `${WEB}/issues/1#issuecomment-${comment}`,
    });
  approve(problem, 'product-owner', 7);
  approve(CANDIDATE, 'ml-lead', 8);
  const given = {
    model: 'bikes',
    version: '1.1.0',
    candidate: CANDIDATE,
    bundle: digest('6'),
    commit: COMMIT,
  };
  put(recordPath.registration('bikes', '1.1.0'), { kind: 'roundhouse-registration', ...given, at: AT });
  put(recordPath.deployment('bikes', 'production', 2), rollout());
  const event = { kind: 'register', model: 'bikes', version: '1.1.0', n: null } as const;
  const message = renderTagMessage(event, { kind: 'roundhouse-tag', environment: null, ...given });
  const records: RecordSource = {
    read: async (path) => files.get(path) ?? null,
    paths: async (prefix) => [...files.keys()].filter((path) => path.startsWith(prefix)).sort(),
  };
  const tags: TagSource = { list: async () => [{ name: 'bikes@v1.1.0', message }] };
  const texts = new Map(Object.values(bikesTexts()).map(({ file, text }) => [file, text]));
  const fileAt = async (commit: string, path: string) =>
    commit === COMMIT ? (texts.get(path) ?? null) : null;
  return { files, records, tags, texts, fileAt, digests: { ...taken, evaluate, problem } };
}
