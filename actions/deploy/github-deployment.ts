import type { DeploymentRecord } from '#lib/lifecycle/rollout.ts';
import type { StepGitHub } from '../kit/github.ts';

const STATE = {
  pending: 'queued',
  progressing: 'in_progress',
  paused: 'in_progress',
  promoting: 'in_progress',
  succeeded: 'success',
  aborted: 'failure',
  'rolled-back': 'failure',
} as const;

/** GitHub's environment: one per model and environment of ours. */
export function deploymentName({ model, environment }: { model: string; environment: string }): string {
  return `${model}/${environment}`;
}

/** Without the app: one GitHub deployment per rollout, found again by the number of its record. */
export async function recordDeployment(
  { forge }: StepGitHub,
  record: DeploymentRecord,
  url: string | null,
): Promise<void> {
  const { n, model, environment, release, phase } = record;
  const name = deploymentName(record);
  const known = await forge.deployments.list(name);
  const id =
    known.find((deployment) => deployment.n === n)?.id ??
    (await forge.deployments.create({
      environment: name,
      ref: record.commit,
      description: `${model} ${release.version}`,
      payload: { n, candidate: release.candidate },
      production: environment === 'production',
    }));
  const state = STATE[phase];
  if ((await forge.deployments.state(id)) !== state) {
    await forge.deployments.setState(id, state, { description: record.history.at(-1)?.note ?? phase, url });
  }
  if (phase !== 'succeeded') return;
  for (const former of known)
    if (former.id !== id)
      await forge.deployments.setState(former.id, 'inactive', {
        description: `replaced by ${release.version}`,
        url,
      });
}
