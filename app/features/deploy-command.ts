import { type Person, refusalOfAction } from '#lib/lifecycle/command-permission.ts';
import { readPerson } from '../approvals.ts';
import { DONE, type Handler, refused } from '../command.ts';
import { frozenReason } from '../freezes.ts';
import { type MainTree, readMain } from '../main-tree.ts';
import type { Project } from '../project.ts';
import { syncDeployments } from './deploy.ts';

/** `/deploy`: a rollout that was given up or rolled back is begun anew. */
export const deploy: Handler<'deploy'> = async ({ project, comment }, { environment }) => {
  const main = await readMain(project);
  if (!main) return refused('the default branch has no usable policy');
  const { login } = comment.author;
  const person = { login, ...(await readPerson(project.forge.people, login, main.policy)) };
  const reason = refusalOfDeploy(person, main, environment);
  if (reason !== null) return refused(reason);
  const frozen = await lockedAndFrozen(project, main);
  await syncDeployments(project, main, { model: null, environment });
  return frozen.length > 0 ? refused(frozen.join('; ')) : DONE;
};

/** The rule of each environment and tier that it would reach, where the strictest of all was asked before. */
function refusalOfDeploy(person: Person, { policy, models }: MainTree, named: string | null): string | null {
  for (const { name, operate, problem } of models) {
    for (const environment of operate.deployment.environments) {
      if (named !== null && named !== environment) continue;
      const reason = refusalOfAction('deploy', person, policy, { environment, risk: problem.risk });
      if (reason !== null) return `${name} in ${environment}: ${reason}`;
    }
  }
  return null;
}

/** Models whose locks ask for what people took out of service. */
async function lockedAndFrozen(project: Project, main: MainTree): Promise<string[]> {
  const found: string[] = [];
  for (const { name, locks } of main.models) {
    const reason = locks && (await frozenReason(project, name, locks.model.candidate));
    if (reason) found.push(`${name} ${reason}`);
  }
  return found;
}
