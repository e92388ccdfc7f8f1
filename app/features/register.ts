import { hexOf } from '#lib/formats/digest.ts';
import { modelLockOf } from '#lib/formats/lock-values.ts';
import { render } from '#lib/formats/markdown.ts';
import { printTagName, renderTagMessage } from '#lib/formats/registry-tags.ts';
import { hasMarker, withMarker } from '#lib/formats/sticky.ts';
import { nextVersion, versionChange } from '#lib/lifecycle/registry.ts';
import { loadTemplate } from '../../templates/load.ts';
import { type CountedAsk, countAsk } from '../approvals.ts';
import { causersOf } from '../causers.ts';
import type { MainTree } from '../main-tree.ts';
import type { ModelTree } from '../model-tree.ts';
import { once } from '../once.ts';
import type { Project } from '../project.ts';
import { decideRegistration } from '../registration-decision.ts';
import { type Judged, type ModelHistory, readHistory, readJudged } from '../registry.ts';
import { openGates } from './gate.ts';
import { releaseVersions } from './release.ts';

type Locked = ModelTree & { locks: NonNullable<ModelTree['locks']> };

/** Makes versions of what the default branch's locks say, and releases of versions. */
export async function syncRegistry(project: Project, main: MainTree): Promise<void> {
  for (const model of main.models) {
    if (!isLocked(model)) continue;
    await registerModel(project, main, model);
    await releaseVersions(project, main, model);
  }
}

function isLocked(model: ModelTree): model is Locked {
  return model.locks !== null;
}

async function registerModel(project: Project, main: MainTree, model: Locked): Promise<void> {
  const history = await readHistory(project.state, project.forge.tags, model.name);
  if (history.registry.versions.some(({ candidate }) => candidate === model.locks.model.candidate)) return;
  const judged = await readJudged(project.state, history, model.locks.model.candidate);
  const approvals = judged && (await countApproved(project, main, judged));
  const plan = decideRegistration({
    locks: model.locks,
    digests: model.digests,
    recorded: judged &&
      approvals && {
        lock: modelLockOf({
          model: model.name,
          digests: judged.record.digests,
          data: judged.data.predicate.result,
          evaluate: judged.evaluate.predicate.result,
        }),
        blocking: openGates(judged.evaluate.predicate.result).blocking.map(({ name }) => name),
        approvals: approvals.count,
      },
  });
  if (plan.kind === 'refuse') return refuse(project, main, model, plan.reasons);
  if (plan.kind === 'register' && judged) await tagVersion({ project, main, model, history, judged });
}

/** Counted again at the merge, with the pull request's people and everybody's permission of now. */
async function countApproved(project: Project, { policy }: MainTree, judged: Judged): Promise<CountedAsk> {
  const { record, evaluate } = judged;
  const number = record.pull_request ?? 0;
  const pull = await project.forge.pulls.get(number);
  const author = pull?.author.login ?? null;
  const committers = await project.forge.pulls.committers(number);
  const { asking } = openGates(evaluate.predicate.result);
  return countAsk(project, {
    policy,
    others: [],
    ask: {
      subject: 'candidate',
      model: record.model,
      digest: record.candidate,
      author: author === project.bot ? null : author,
      committers: committers.filter((login) => login !== project.bot),
      causers: pull ? await causersOf(project, pull) : [],
      rules: [
        { name: 'model', rule: policy.approvals.model },
        ...(asking.length > 0
          ? [{ name: 'inconclusive' as const, rule: policy.approvals.inconclusive }]
          : []),
      ],
    },
  });
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
}: {
  project: Project;
  main: MainTree;
  model: Locked;
  history: ModelHistory;
  judged: Judged;
}): Promise<void> {
  const { result } = judged.evaluate.predicate;
  const last = history.registry.versions.at(-1);
  const before = last && (await readJudged(project.state, history, last.candidate));
  const former = before?.evaluate.predicate.result;
  const change = versionChange({
    sameSignature: !former || JSON.stringify(former.signature) === JSON.stringify(result.signature),
    sameModel: former?.served === result.served,
  });
  const version = nextVersion(history.registry, change);
  const event = { kind: 'register', model: model.name, version, n: null } as const;
  const message = renderTagMessage(event, {
    kind: 'roundhouse-tag',
    model: model.name,
    version,
    environment: null,
    candidate: judged.record.candidate,
    bundle: result.bundle,
    commit: main.head,
  });
  const tag = { name: printTagName(event), message };
  const made = await project.forge.tags.create({ ...tag, target: main.head });
  if (made === 'workflows') {
    const target = await project.state.commit();
    if (target !== null) await project.forge.tags.create({ ...tag, target });
  }
  project.log.info({ tag: tag.name, made }, 'a version was registered');
}

/** What was merged without approval is not registered, and somebody is told. */
async function refuse(project: Project, main: MainTree, model: Locked, reasons: string[]): Promise<void> {
  const candidate = hexOf(model.locks.model.candidate);
  const key = `unapproved:${model.name}:${candidate}`;
  const marker = { kind: 'unapproved', key: `${model.name}/${candidate.slice(0, 16)}` };
  await once(project, {
    key,
    find: async () => {
      const open = await project.forge.issues.list({ state: 'all' });
      const mine = open.find(({ author, body }) => author.login === project.bot && hasMarker(body, marker));
      return mine ? String(mine.number) : null;
    },
    make: async () => {
      const body = render(loadTemplate('comments/unapproved.hbs'), {
        model: model.name,
        candidate: candidate.slice(0, 16),
        commit: main.head,
        reasons,
      });
      const title = `${model.name}: what was merged is not what was approved`;
      return String((await project.forge.issues.create({ title, body: withMarker(marker, body) })).number);
    },
  });
}
