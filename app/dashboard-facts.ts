import { checklistOf } from '#lib/lifecycle/checklist/checklist.ts';
import type { BoardPull, BoardVersion, DashboardFacts } from '#lib/lifecycle/dashboard/facts.ts';
import { METRICS } from '#lib/lifecycle/problem.ts';
import { readChecklistFacts } from '#lib/records/checklist-facts.ts';
import { evaluationOf, type ModelHistory, readEvidence, readHistory } from '#lib/records/model-history.ts';
import { frozenWords, inForce, readFreezes } from './freezes.ts';
import type { MainTree } from './main-tree.ts';
import type { ModelTree } from './model-tree.ts';
import type { Project } from './project.ts';
import { readDeployments } from './rollouts.ts';

/** As many as a leaderboard shows, and a few more. */
const VERSIONS_READ = 20;

type Read = Pick<Project, 'state' | 'forge' | 'now'>;

/** What the dashboard of one model shows. `pulls` are the open ones that change it. */
export async function readDashboard(
  project: Read,
  {
    main,
    model,
    pulls,
    health,
  }: { main: MainTree; model: ModelTree; pulls: BoardPull[]; health: number | null },
): Promise<DashboardFacts> {
  const { state, forge, now } = project;
  const history = await readHistory(state, forge.tags, model.name);
  const source = { records: state, file: (path: string) => main.tree.read(path), now: now() };
  const facts = await readChecklistFacts(source, model, history);
  const { assignments, versions } = history.registry;
  const environments = model.operate.deployment.environments.map(async (name) => ({
    name,
    version: assignments.find(({ environment }) => environment === name)?.version ?? null,
    rollout: (await readDeployments(project, model.name, name)).at(-1) ?? null,
  }));
  return {
    checklist: checklistOf(facts, now()),
    facts,
    environments: await Promise.all(environments),
    versions: await readVersions(project, model, history),
    pulls,
    health,
    frozen: inForce(await readFreezes(project, model.name)).map(frozenWords),
    locked: versions.find(({ candidate }) => candidate === facts.lock?.candidate)?.version ?? null,
  };
}

async function readVersions(
  { state }: Pick<Project, 'state'>,
  { problem, operate }: ModelTree,
  history: ModelHistory,
): Promise<BoardVersion[]> {
  const { versions, assignments } = history.registry;
  const metric = problem.success[0]?.metric ?? METRICS[0];
  const { environments } = operate.deployment;
  const found: BoardVersion[] = [];
  for (const { version, candidate, state: standing } of versions.toReversed().slice(0, VERSIONS_READ)) {
    const record = standing === 'registered' ? evaluationOf(history, candidate) : null;
    if (!record) continue;
    const { result } = (await readEvidence(state, 'evaluate', record.evaluate)).predicate;
    const comparison = result.recent.comparisons.find((one) => one.metric === metric);
    found.push({
      version,
      candidate,
      at: history.registrations.find((given) => given.version === version)?.at ?? record.at,
      serves: assignments.flatMap((assigned) =>
        assigned.version === version && environments.includes(assigned.environment)
          ? [assigned.environment]
          : [],
      ),
      trainer: result.trainer,
      metric,
      estimate: comparison?.candidate ?? null,
      trivial: comparison?.trivial ?? null,
      verdict: result.verdict,
    });
  }
  return found;
}
