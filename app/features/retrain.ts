import type { MonitorRecord } from '#lib/lifecycle/records.ts';
import { mayOpenRetraining, type PastRetraining } from '#lib/lifecycle/retraining.ts';
import { retrainingClaim, retrainingDay } from '#lib/lifecycle/retraining-branch.ts';
import type { Digest } from '#lib/lifecycle/scalars.ts';
import { readEvidence } from '#lib/records/model-history.ts';
import { type RetrainingPull, retrainingPull } from '../../templates/retraining.ts';
import type { MainTree } from '../main-tree.ts';
import { isDone, once } from '../once.ts';
import type { Project } from '../project.ts';

/** The branch is the claim: one per model and window, however often this is reached. */
export async function syncRetraining(project: Project, main: MainTree, latest: MonitorRecord): Promise<void> {
  const model = main.models.find(({ name }) => name === latest.model);
  if (latest.decision !== 'open' || latest.retrain === null || model === undefined) return;
  const { forge, defaultBranch } = project;
  const key = retrainingClaim(model.name, latest.as_of);
  if (await isDone(project, key)) return;
  const { cooldown } = model.operate.retraining;
  const past = await pastRetrainings(project, model.name);
  const asked = latest.asked_by !== null;
  if (!mayOpenRetraining({ day: latest.as_of.slice(0, 10), past, cooldown, asked })) return;
  const pull = await readRetraining(project, main, latest, latest.retrain);
  await once(project, {
    key,
    find: async () =>
      String((await forge.pulls.list({ state: 'all', head: pull.branch }))[0]?.number ?? '') || null,
    make: async () => {
      if ((await forge.trees.ref(`heads/${pull.branch}`)) === null) {
        const changes = [{ path: pull.file, text: pull.text }];
        const commit = await forge.trees.write({ parent: main.head, message: pull.commitMessage, changes });
        await forge.trees.createRef(`heads/${pull.branch}`, commit);
      }
      const { title, body, branch } = pull;
      return String((await forge.pulls.create({ title, body, head: branch, base: defaultBranch })).number);
    },
    told: (number) => ({
      event: 'pull request opened',
      actor: project.bot,
      subject: `#${number}: ${pull.title}`,
      model: model.name,
    }),
  });
}

async function pastRetrainings({ forge, bot }: Project, model: string): Promise<PastRetraining[]> {
  const pulls = await forge.pulls.list({ state: 'all' });
  return pulls.flatMap(({ head, state, author }) => {
    const day = author.login === bot ? retrainingDay(model, head.ref) : null;
    return day === null ? [] : [{ day, open: state === 'open' }];
  });
}

async function readRetraining(
  { state }: Project,
  main: MainTree,
  { model, monitor }: MonitorRecord,
  retrain: Digest,
): Promise<RetrainingPull> {
  const file = `models/${model}/data.yml`;
  const dataYaml = await main.tree.read(file);
  const decided = (await readEvidence(state, 'retrain', retrain)).predicate.result;
  const seen = (await readEvidence(state, 'monitor', monitor)).predicate.result;
  const pull =
    dataYaml === null ? null : retrainingPull({ model, monitor: seen, retrain: decided, dataYaml });
  if (pull === null) throw new Error(`${file} cannot be changed for retraining`);
  return pull;
}
