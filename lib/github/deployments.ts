import type { Repository } from './repository.ts';

export type DeploymentState = 'in_progress' | 'success' | 'failure' | 'inactive' | 'queued';
/** `n` is the number of our own record: it makes the deployment findable after a lost answer. */
export type GitHubDeployment = { id: number; n: number | null };

export type Deployments = ReturnType<typeof deployments>;

/**
 * One GitHub deployment per rollout. GitHub's defaults would merge the default branch into the ref, ask for
 * every status of the commit, and make other models' deployments inactive: all three are set explicitly.
 */
export function deployments({ octokit, owner, repo }: Repository) {
  const at = { owner, repo };
  return {
    async list(environment: string): Promise<GitHubDeployment[]> {
      const found = await octokit.paginate(octokit.rest.repos.listDeployments, {
        ...at,
        environment,
        per_page: 100,
      });
      return found.map((deployment) => ({ id: deployment.id, n: numberOf(deployment.payload) }));
    },
    async create(deployment: {
      environment: string;
      ref: string;
      description: string;
      /** `audit`: the audit log's head, for who checks the log against GitHub. */
      payload: { n: number; candidate: string; audit?: string };
      production: boolean;
    }): Promise<number> {
      const { data } = await octokit.rest.repos.createDeployment({
        ...at,
        ref: deployment.ref,
        environment: deployment.environment,
        description: deployment.description,
        payload: deployment.payload,
        production_environment: deployment.production,
        transient_environment: false,
        auto_merge: false,
        required_contexts: [],
      });
      if (!('id' in data)) throw new Error(`GitHub made no deployment: ${data.message ?? 'no reason given'}`);
      return data.id;
    },
    async state(id: number): Promise<string | null> {
      const { data } = await octokit.rest.repos.listDeploymentStatuses({
        ...at,
        deployment_id: id,
        per_page: 1,
      });
      return data[0]?.state ?? null;
    },
    async setState(id: number, state: DeploymentState, about: { description: string; url: string | null }) {
      await octokit.rest.repos.createDeploymentStatus({
        ...at,
        deployment_id: id,
        state,
        description: about.description.slice(0, 140),
        auto_inactive: false,
        ...(about.url === null ? {} : { log_url: about.url }),
      });
    },
  };
}

function numberOf(payload: unknown): number | null {
  const value: unknown = typeof payload === 'string' ? parsed(payload) : payload;
  if (typeof value !== 'object' || value === null || !('n' in value)) return null;
  return typeof value.n === 'number' ? value.n : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
