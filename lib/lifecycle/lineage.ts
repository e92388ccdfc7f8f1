import type { Estimate, EvidenceStage, Statement } from './evidence.ts';
import type { Problem } from './problem.ts';
import type { ApprovalRecord, EvaluateRecord, FreezeRecord, OverrideRecord } from './records.ts';
import type { RegisteredVersion } from './registry.ts';
import type { DeploymentRecord } from './rollout.ts';
import type { Digest } from './scalars.ts';
import type { Served } from './serving-history.ts';

/** Where on GitHub something can be looked at. `pageUrl` in lib/formats/page.ts knows the addresses. */
export type Page =
  | { kind: 'issue' | 'pull'; number: number }
  | { kind: 'run'; id: number }
  | { kind: 'commit'; sha: string }
  | { kind: 'file'; commit: string; path: string }
  | { kind: 'url'; url: string };

export const LINEAGE_KINDS = [
  'problem',
  'data',
  'code',
  'config',
  'run',
  'evaluation',
  'override',
  'approval',
  'version',
  'deployment',
] as const;
export type LineageKind = (typeof LINEAGE_KINDS)[number];

/** `digest` is shown short, an estimate with its interval. */
export type Detail = { label: string; value: string | number | Estimate };

export type LineageNode = {
  /** Unique in its lineage; edges name it. */
  id: string;
  kind: LineageKind;
  name: string;
  digest: Digest | null;
  at: string | null;
  who: string[];
  page: Page | null;
  details: Detail[];
  /** What should be here and isn't on record; such a node claims nothing that was not found. */
  missing: string | null;
};

export type Lineage = {
  model: string;
  /** Null: a candidate that was never registered. */
  version: string | null;
  candidate: Digest;
  /** In the order of the chain. */
  nodes: LineageNode[];
  edges: { from: string; to: string }[];
  /** What is not on record, a line each. */
  missing: string[];
};

/** A recorded statement by its digest: `altered` where its bytes are not those that the digest names. */
export type Taken<Stage extends EvidenceStage> = {
  digest: Digest;
  found: Statement<Stage> | 'absent' | 'altered';
};

export type LineageFacts = {
  model: string;
  candidate: Digest;
  version: RegisteredVersion | null;
  /** When the app gave the version. */
  registered_at: string | null;
  record: EvaluateRecord | null;
  /** When the app took the evidence of data and training: GitHub's time, where statements may speak of the data's. */
  trained_at: string | null;
  data: Taken<'data'> | null;
  train: Taken<'train'>[];
  evaluate: Taken<'evaluate'> | null;
  /** problem.yml of the version's commit with its digest; null where it can't be read there. */
  problem: { value: Problem; digest: Digest } | null;
  approvals: { problem: ApprovalRecord[]; candidate: ApprovalRecord[] };
  overrides: OverrideRecord[];
  /** A `/rollback` took the candidate out of service. */
  freeze: FreezeRecord | null;
  deployments: { record: DeploymentRecord; served: Served[] }[];
};

/** The chain behind a candidate: problem, data, code, config, run, evaluation, approvals, version, deployments. */
export function lineageOf(facts: LineageFacts): Lineage {
  const { model, candidate, version } = facts;
  const inputs = [problemNode(facts), dataNode(facts), codeNode(facts), configNode(facts)];
  const judged = [runNode(facts), evaluationNode(facts)];
  const said = [...overrideNodes(facts), ...approvalNodes(facts)];
  const after = [...versionNodes(facts), ...deploymentNodes(facts)];
  const nodes = [...inputs, ...judged, ...said, ...after];
  return {
    ...{ model, candidate, nodes },
    version: version?.version ?? null,
    edges: edgesOf(nodes),
    missing: nodes.flatMap(({ name, missing }) => (missing === null ? [] : [`${name}: ${missing}`])),
  };
}

/** What leads to what. The problem asks for data and, by its gates, decides what an evaluation says. */
const LEADS: Record<LineageKind, readonly LineageKind[]> = {
  problem: ['data', 'evaluation'],
  data: ['run'],
  code: ['run'],
  config: ['run'],
  run: ['evaluation'],
  evaluation: ['override', 'approval'],
  override: ['version'],
  approval: ['version'],
  version: ['deployment'],
  deployment: [],
};

function edgesOf(nodes: readonly LineageNode[]): Lineage['edges'] {
  return nodes.flatMap((from) =>
    nodes.flatMap((to) => (LEADS[from.kind].includes(to.kind) ? [{ from: from.id, to: to.id }] : [])),
  );
}

function node(kind: LineageKind, fields: Partial<LineageNode>): LineageNode {
  const empty = { digest: null, at: null, who: [], page: null, details: [], missing: null };
  return { id: kind, kind, name: kind, ...empty, ...fields };
}

const NO_RECORD = 'no evaluation of this candidate is on record';

function problemNode({ record, problem, approvals }: LineageFacts): LineageNode {
  const asked = record?.digests.problem ?? problem?.digest ?? null;
  const isSame = problem !== null && problem.digest === asked;
  const said = approvals.problem;
  const missing = [
    asked === null ? NO_RECORD : '',
    asked !== null && problem === null ? 'problem.yml of the commit cannot be read' : '',
    problem && !isSame ? `problem.yml of the commit has another digest, ${problem.digest}` : '',
    asked !== null && said.length === 0 ? 'nobody approved it on record' : '',
  ];
  return node('problem', {
    digest: asked,
    at: said.at(-1)?.at ?? null,
    who: said.map(({ login }) => login),
    page:
      isSame && problem.value.issue > 0 ? { kind: 'issue', number: problem.value.issue } : pageOf(said[0]),
    details: isSame ? [{ label: 'title', value: problem.value.title }] : [],
    missing: joined(missing),
  });
}

function pageOf(approval: ApprovalRecord | undefined): Page | null {
  return approval ? { kind: 'issue', number: approval.issue } : null;
}

function dataNode({ record, data, trained_at }: LineageFacts): LineageNode {
  if (record === null || data === null) return node('data', { missing: NO_RECORD });
  const page: Page = { kind: 'run', id: record.accepted.run.id };
  if (typeof data.found === 'string')
    return node('data', { page, digest: data.digest, missing: lost('data', data.found) });
  const { result } = data.found.predicate;
  const { window, sources } = result;
  return node('data', {
    ...{ page, digest: result.output.content, at: trained_at },
    details: [
      { label: 'rows', value: result.rows },
      ...(window ? [{ label: 'window', value: `${day(window.from)} to ${day(window.until)}` }] : []),
      ...sources.map(({ name, content }) => ({ label: `source ${name}`, value: content })),
      { label: 'contract', value: result.contract.verdict },
      { label: 'evidence', value: data.digest },
    ],
  });
}

function codeNode({ model, record, version }: LineageFacts): LineageNode {
  if (record === null) return node('code', { missing: NO_RECORD });
  return node('code', {
    digest: record.digests.code,
    page: folderOf({ model, version, record }, ''),
    details: version ? [{ label: 'commit', value: version.commit }] : [],
  });
}

function configNode({ model, record, version }: LineageFacts): LineageNode {
  if (record === null) return node('config', { missing: NO_RECORD });
  const { config, gates, policy } = record.digests;
  return node('config', {
    digest: config,
    page: folderOf({ model, version, record }, '/model.yml'),
    details: [
      { label: 'gates', value: gates },
      { label: 'policy', value: policy },
    ],
  });
}

/** A registered version's files stand in its commit; those of a candidate in its pull request. */
function folderOf(
  { model, version, record }: Pick<LineageFacts, 'model' | 'version'> & { record: EvaluateRecord },
  path: string,
): Page | null {
  if (version) return { kind: 'file', commit: version.commit, path: `models/${model}${path}` };
  return pullOf(record);
}

function pullOf({ pull_request }: EvaluateRecord): Page | null {
  return pull_request === null || pull_request === 0 ? null : { kind: 'pull', number: pull_request };
}

function runNode({ record, train, evaluate, trained_at }: LineageFacts): LineageNode {
  if (record === null) return node('run', { missing: NO_RECORD });
  const page: Page = { kind: 'run', id: record.accepted.run.id };
  const named = { page, name: `run ${record.accepted.run.id}` };
  const judged = evaluate && typeof evaluate.found !== 'string' ? evaluate.found.predicate.result : null;
  const lostOnes = train.flatMap(({ found }) => (typeof found === 'string' ? [lost('training', found)] : []));
  const won = train.find(
    ({ found }) =>
      typeof found !== 'string' && found.predicate.result.candidate.index === (judged?.winner ?? -1),
  );
  if (!won || typeof won.found === 'string')
    return node('run', {
      ...named,
      missing: joined([...new Set(lostOnes)]) ?? 'which candidate won is not on record',
    });
  const { result, machine } = won.found.predicate;
  return node('run', {
    ...named,
    digest: won.digest,
    at: trained_at,
    details: [
      { label: 'winner', value: result.candidate.name },
      { label: 'of', value: `${train.length} trained` },
      { label: 'trainer', value: `${result.candidate.trainer} on ${result.backend}` },
      { label: 'seed', value: result.seed },
      { label: 'model', value: result.served.model },
      { label: 'roundhouse', value: machine.roundhouse },
    ],
    missing: joined([...new Set(lostOnes)]),
  });
}

function evaluationNode({ record, evaluate }: LineageFacts): LineageNode {
  if (record === null || evaluate === null) return node('evaluation', { missing: NO_RECORD });
  const page: Page = { kind: 'run', id: record.run.id };
  if (typeof evaluate.found === 'string')
    return node('evaluation', {
      page,
      digest: evaluate.digest,
      missing: lost('evaluation', evaluate.found),
    });
  const { result } = evaluate.found.predicate;
  const passed = result.gates.filter(({ verdict }) => verdict === 'passed').length;
  return node('evaluation', {
    ...{ page, digest: evaluate.digest, at: record.at },
    details: [
      { label: 'verdict', value: result.verdict },
      { label: 'gates', value: `${passed} of ${result.gates.length} passed` },
      ...result.recent.comparisons.flatMap(({ metric, candidate, champion }) => [
        { label: metric, value: candidate },
        ...(champion ? [{ label: `${metric} of the champion`, value: champion }] : []),
      ]),
      ...(record.pull_request ? [{ label: 'pull request', value: String(record.pull_request) }] : []),
    ],
  });
}

function overrideNodes({ overrides }: LineageFacts): LineageNode[] {
  return overrides.map(({ comment, candidate, gate, verdict, reason, people, at, expires, url }) =>
    node('override', {
      ...{ id: `override-${comment}`, at, digest: candidate, who: people },
      name: 'override of a gate',
      page: { kind: 'url', url },
      details: [
        { label: 'gate', value: `${gate} (${verdict})` },
        { label: 'reason', value: reason },
        { label: 'until', value: expires },
      ],
    }),
  );
}

function approvalNodes({ candidate, approvals }: LineageFacts): LineageNode[] {
  if (approvals.candidate.length === 0)
    return [node('approval', { missing: 'nobody approved this candidate on record' })];
  return approvals.candidate.map(({ comment, login, roles, at, url }) =>
    node('approval', {
      ...{ id: `approval-${comment}`, at, digest: candidate, who: [login] },
      name: `approval by ${login}`,
      page: { kind: 'url', url },
      details: roles.length > 0 ? [{ label: 'as', value: roles.join(', ') }] : [],
    }),
  );
}

function versionNodes({ model, version, registered_at, freeze }: LineageFacts): LineageNode[] {
  if (version === null) return [node('version', { missing: 'it was never registered' })];
  return [
    node('version', {
      name: `${model} v${version.version}`,
      digest: version.candidate,
      at: registered_at,
      page: { kind: 'commit', sha: version.commit },
      details: [
        { label: 'bundle', value: version.bundle },
        ...(version.state === 'registered' ? [] : [{ label: 'state', value: version.state }]),
        ...(freeze ? [{ label: 'frozen', value: frozenText(freeze) }] : []),
      ],
      missing: registered_at === null ? 'when it was registered is not on record' : null,
    }),
  ];
}

function frozenText({ login, at, lifted }: FreezeRecord): string {
  const taken = `by ${login} on ${day(at)}`;
  return lifted === null
    ? taken
    : `${taken}, lifted by ${lifted.login} on ${day(lifted.at)}: ${lifted.reason}`;
}

function deploymentNodes({ version, deployments }: LineageFacts): LineageNode[] {
  if (deployments.length === 0)
    return [node('deployment', { missing: version ? 'it was never deployed' : 'nothing to deploy' })];
  return deployments.map(({ record, served }) => {
    const run = record.history.findLast((entry) => entry.run !== null)?.run ?? null;
    return node('deployment', {
      id: `deployment-${record.environment}-${record.n}`,
      name: `${record.environment} rollout ${record.n}`,
      digest: record.release.bundle,
      at: record.history.at(-1)?.at ?? null,
      page: run === null ? null : { kind: 'run', id: run },
      details: [{ label: 'rollout', value: record.phase }, ...served.flatMap(servedDetails)],
    });
  });
}

function servedDetails({ share, from, until, ended }: Served): Detail[] {
  if (share === 'none') return [];
  const what = share === 'all' ? 'served' : 'served part';
  return [
    { label: `${what} from`, value: from },
    ...(until === null ? [] : [{ label: 'until', value: until }]),
    ...(ended ? [{ label: ended.kind, value: ended.by === null ? 'by nothing' : `by v${ended.by}` }] : []),
  ];
}

function lost(what: string, found: 'absent' | 'altered'): string {
  return found === 'absent'
    ? `the evidence of the ${what} is named and is not there`
    : `the evidence of the ${what} is not what its digest names: it was changed`;
}

function day(instant: string): string {
  return instant.slice(0, 10);
}

function joined(reasons: readonly string[]): string | null {
  return reasons.filter((reason) => reason !== '').join('; ') || null;
}
