import { hexOf } from '#lib/formats/digest.ts';
import type { ArgsByCommand } from '#lib/lifecycle/command.ts';
import { approvalRecordSchema } from '#lib/lifecycle/records.ts';
import { deploymentRecordSchema } from '#lib/lifecycle/rollout.ts';
import { evaluationOf, readHistory } from '#lib/records/model-history.ts';
import { listRecords, recordPath } from '#lib/records/records.ts';
import type { Handler } from '../command.ts';
import { modelsOf, readTree } from '../model-tree.ts';
import type { Project } from '../project.ts';

/** `/why`: the chain of evidence behind a version, or behind the newest one of each model. */
export const why: Handler<'why'> = async ({ project }, asked) => ({
  ok: true,
  text: await whyOf(project, asked),
});

async function whyOf(project: Project, asked: ArgsByCommand['why']): Promise<string> {
  const { version } = asked;
  const answers: string[] = [];
  for (const model of await modelNames(project)) {
    if (asked.model !== null && asked.model !== model) continue;
    const known = await readHistory(project.state, project.forge.tags, model);
    const { versions } = known.registry;
    const found = version === null ? versions.at(-1) : versions.find((entry) => entry.version === version);
    if (!found) continue;
    const record = evaluationOf(known, found.candidate);
    const approvals = await listRecords(
      project.state,
      recordPath.approvals(found.candidate),
      approvalRecordSchema,
    );
    const people = approvals.map(({ login, at }) => `${login} at ${at}`).join(', ') || 'nobody';
    answers.push(
      [
        `${model} v${found.version} is candidate ${hexOf(found.candidate).slice(0, 16)} of commit ${found.commit.slice(0, 12)}`,
        `approved by ${people}`,
        record
          ? `judged in run ${record.run.id} on evidence ${hexOf(record.evaluate).slice(0, 16)}, trained in run ${record.accepted.run.id} on evidence ${hexOf(record.accepted.data).slice(0, 16)}, asked for in pull request ${record.pull_request}`
          : 'its evaluation is not on record',
      ].join('; '),
    );
  }
  return answers.join('. ') || `no version ${version ?? ''} is registered here`;
}

/** `/history`: what served when, newest first. */
export const history: Handler<'history'> = async ({ project }, { environment }) => ({
  ok: true,
  text: await historyOf(project, environment),
});

async function historyOf(project: Project, environment: string | null): Promise<string> {
  const found = await listRecords(project.state, 'deployments/', deploymentRecordSchema);
  const shown = found
    .filter((record) => environment === null || record.environment === environment)
    .toSorted((a, b) => b.n - a.n)
    .slice(0, 20);
  const lines = shown.map(
    ({ model, environment: where, release, phase, history: steps }) =>
      `${model} v${release.version} in ${where}: ${phase} since ${steps.at(-1)?.at ?? 'never'}`,
  );
  return lines.join('; ') || 'nothing was deployed yet';
}

async function modelNames({ forge, defaultBranch }: Project): Promise<string[]> {
  const head = await forge.trees.ref(`heads/${defaultBranch}`);
  return head === null ? [] : modelsOf(await readTree(forge.trees, head));
}
