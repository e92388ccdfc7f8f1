import { hexOf } from '#lib/formats/digest.ts';
import { modelLockOf } from '#lib/formats/lock-values.ts';
import { render } from '#lib/formats/markdown.ts';
import { printTagName, renderTagMessage } from '#lib/formats/registry-tags.ts';
import type { PullRequest } from '#lib/github/pulls.ts';
import {
  holdRecordSchema,
  type OverrideRecord,
  type RegistrationRecord,
  type StandingUse,
} from '#lib/lifecycle/records.ts';
import { nextVersion, versionChange } from '#lib/lifecycle/registry.ts';
import { type Judged, type ModelHistory, readHistory, readJudged } from '#lib/records/model-history.ts';
import { readRecord, recordPath, recordText } from '#lib/records/records.ts';
import { loadTemplate } from '../../templates/load.ts';
import { allOf } from '../all-of.ts';
import type { CountedAsk, StandingView } from '../approvals.ts';
import { frozenReason } from '../freezes.ts';
import { issueOnce } from '../issue-once.ts';
import type { MainTree } from '../main-tree.ts';
import type { ModelTree } from '../model-tree.ts';
import { readOverrides } from '../overrides.ts';
import { readPeople } from '../people.ts';
import type { Project } from '../project.ts';
import { decideRegistration } from '../registration-decision.ts';
import { countAsks } from './asks.ts';
import { openGates } from './gate.ts';
import { releaseVersions } from './release.ts';

type Locked = ModelTree & { locks: NonNullable<ModelTree['locks']> };

/** Makes versions of what the default branch's locks say, and releases of versions. */
export async function syncRegistry(project: Project, main: MainTree): Promise<void> {
  const locked = main.models.filter(isLocked);
  await allOf(
    locked.map((model) => async () => {
      await registerModel(project, main, model);
      await releaseVersions(project, main, model);
    }),
  );
}

function isLocked(model: ModelTree): model is Locked {
  return model.locks !== null;
}

async function registerModel(project: Project, main: MainTree, model: Locked): Promise<void> {
  const history = await readHistory(project.state, project.forge.tags, model.name);
  if (history.registry.versions.some(({ candidate }) => candidate === model.locks.model.candidate)) return;
  const judged = await readJudged(project.state, history, model.locks.model.candidate);
  const overrides = judged ? await readOverrides(project, judged.record.candidate) : [];
  const consent = judged && (await readConsent(project, { main, model, judged, overrides }));
  const plan = decideRegistration({
    locks: model.locks,
    digests: model.digests,
    recorded: judged &&
      consent && {
        lock: modelLockOf({
          model: model.name,
          digests: judged.record.digests,
          data: judged.data.predicate.result,
          evaluate: judged.evaluate.predicate.result,
        }),
        blocking: openGates(judged.evaluate.predicate.result, overrides).blocking.map(({ name }) => name),
        frozen: await frozenReason(project, model.name, judged.record.candidate),
        ...consent,
      },
  });
  if (plan.kind === 'refuse') return refuse(project, main, model, plan.reasons);
  const grant = consent?.asks.find(({ standing }) => standing?.grant)?.standing?.grant ?? null;
  if (plan.kind === 'register' && judged) await tagVersion({ project, main, model, history, judged, grant });
}

/** What people said of what was merged, asked again: with the pull request's people, and permissions of now. */
async function readConsent(
  project: Project,
  {
    main,
    model,
    judged,
    overrides,
  }: { main: MainTree; model: Locked; judged: Judged; overrides: OverrideRecord[] },
): Promise<{ asks: CountedAsk[]; heldBy: string | null }> {
  const { forge, state } = project;
  const pull = await pullOf(project, { main, model, judged });
  const asks = await countAsks(project, {
    policy: main.policy,
    branch: pull?.head.ref ?? null,
    paths: pull ? await forge.pulls.paths(pull.number) : [],
    people: pull ? await readPeople(project, pull) : { author: null, committers: [], causers: [] },
    head: main.head,
    models: [
      {
        name: model.name,
        merged: model,
        candidate: {
          digest: judged.record.candidate,
          result: judged.evaluate.predicate.result,
          contract: judged.data.predicate.result.contract.verdict,
          overrides,
        },
      },
    ],
    removed: [],
    newPolicy: null,
  });
  const hold = pull && (await readRecord(state, recordPath.hold(pull.number), holdRecordSchema));
  return { asks, heldBy: hold?.held ? hold.login : null };
}

/** The pull request that brought the lock to the default branch; it was judged in another one where both had it. */
async function pullOf(
  { forge, defaultBranch }: Project,
  { main, model, judged }: { main: MainTree; model: Locked; judged: Judged },
): Promise<PullRequest | null> {
  const change = await forge.history.lastChange(main.head, `models/${model.name}/model.lock`);
  const pulls = change ? await forge.pulls.ofCommit(change.sha) : [];
  const brought = pulls.filter(({ merged, base }) => merged && base.ref === defaultBranch);
  return brought[0] ?? forge.pulls.get(judged.record.pull_request ?? 0);
}

/**
 * The version tag stands on the merged commit, whose workflow files equal the branch head's. Where GitHub
 * refuses it for workflow files it stands on the record of the event: the message says what it names.
 */
async function tagVersion({
  project,
  main,
  model,
  history,
  judged,
  grant,
}: {
  project: Project;
  main: MainTree;
  model: Locked;
  history: ModelHistory;
  judged: Judged;
  /** The standing approval that it is made by. */
  grant: StandingView['grant'];
}): Promise<void> {
  const { version, candidate, bundle, commit } = await registrationOf({
    ...{ project, main, history, judged, grant },
  });
  const event = { kind: 'register', model: model.name, version, n: null } as const;
  const said = {
    kind: 'roundhouse-tag',
    model: model.name,
    version,
    environment: null,
    candidate,
    bundle,
    commit,
  } as const;
  const message = renderTagMessage(event, said, await project.state.auditHead());
  const tag = { name: printTagName(event), message };
  let made = await project.forge.tags.create({ ...tag, target: commit });
  const eventCommit = made === 'workflows' ? await project.state.commit() : null;
  if (eventCommit !== null) made = await project.forge.tags.create({ ...tag, target: eventCommit });
  if (made !== 'created') throw new Error(`the tag ${tag.name} could not be made: ${made}`);
  project.log.info({ tag: tag.name }, 'a version was registered');
}

/** The record of the version: the one that a crash left without a tag, else a new one. */
async function registrationOf({
  project,
  main,
  history,
  judged,
  grant,
}: {
  project: Project;
  main: MainTree;
  history: ModelHistory;
  judged: Judged;
  /** The standing approval that it is made by. */
  grant: StandingView['grant'];
}): Promise<RegistrationRecord> {
  const { candidate } = judged.record;
  const left = history.registrations.find(
    (given) => given.candidate === candidate && !history.registry.taken.includes(given.version),
  );
  if (left) return left;
  const record: RegistrationRecord = {
    kind: 'roundhouse-registration',
    model: history.model,
    version: await versionOf(project, history, judged),
    candidate,
    bundle: judged.evaluate.predicate.result.bundle,
    commit: main.head,
    at: project.now().toISOString(),
  };
  const path = recordPath.registration(record.model, record.version);
  const subject = `${record.model} v${record.version}`;
  const outcome = await project.state.write({
    changes: [{ path, text: recordText(record) }, ...useOf(grant, record)],
    fresh: [path],
    audit: {
      event: grant ? 'registered by standing approval' : 'registered',
      actor: project.bot,
      subject,
      model: record.model,
      digest: [candidate, record.bundle],
    },
  });
  if (outcome.kind === 'taken') throw new Error(`${subject} was given by another process at the same time`);
  return record;
}

/** One of the versions that the standing approval is good for is used, in the same commit. */
function useOf(grant: StandingView['grant'], { model, version, candidate, at }: RegistrationRecord) {
  if (grant === null) return [];
  const { procedure, people } = grant;
  const use: StandingUse = {
    kind: 'roundhouse-standing-use',
    ...{ procedure, model, version, candidate, people: [...people], at },
  };
  return [{ path: recordPath.standingUse(procedure, candidate), text: recordText(use) }];
}

async function versionOf(project: Project, history: ModelHistory, judged: Judged): Promise<string> {
  const { registry, registrations } = history;
  const { result } = judged.evaluate.predicate;
  const last = registry.versions.at(-1);
  const before = last && (await readJudged(project.state, history, last.candidate));
  const former = before?.evaluate.predicate.result;
  const change = versionChange({
    sameSignature: !former || JSON.stringify(former.signature) === JSON.stringify(result.signature),
    sameModel: former?.served === result.served,
  });
  const taken = [...registry.taken, ...registrations.map(({ version }) => version)];
  return nextVersion({ versions: registry.versions, taken }, change);
}

/** What was merged without approval is not registered, and somebody is told. */
async function refuse(project: Project, main: MainTree, model: Locked, reasons: string[]): Promise<void> {
  const candidate = hexOf(model.locks.model.candidate);
  const key = `unapproved:${model.name}:${candidate}`;
  const marker = { kind: 'unapproved', key: `${model.name}/${candidate.slice(0, 16)}` };
  await issueOnce(project, {
    model: model.name,
    key,
    marker,
    text: () => ({
      title: `${model.name}: what was merged is not what was approved`,
      body: render(loadTemplate('comments/unapproved.hbs'), {
        model: model.name,
        candidate: candidate.slice(0, 16),
        commit: main.head,
        reasons,
      }),
    }),
  });
}
