import type { DeploymentState } from '#lib/github/deployments.ts';
import { type DeploymentRecord, deploymentRecordSchema } from '#lib/lifecycle/rollout.ts';
import { listRecords, recordPath } from '#lib/records/records.ts';
import type { Project } from './project.ts';

/** By number: paths sort as text. */
export async function readDeployments(
  { state }: Pick<Project, 'state'>,
  model: string,
  environment: string,
): Promise<DeploymentRecord[]> {
  const found = await listRecords(state, recordPath.deployments(model, environment), deploymentRecordSchema);
  return found.toSorted((a, b) => a.n - b.n);
}

/** A state that stands already is not told again. */
export async function reportState(
  { forge }: Pick<Project, 'forge'>,
  id: number,
  state: DeploymentState,
  description: string,
): Promise<void> {
  if ((await forge.deployments.state(id)) === state) return;
  await forge.deployments.setState(id, state, { description, url: null });
}
