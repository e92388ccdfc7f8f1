import type { ProbotOctokit } from 'probot';

/** The app's own login, as the author of what it writes. */
export async function botLogin(octokit: ProbotOctokit): Promise<string> {
  const { data } = await octokit.rest.apps.getAuthenticated();
  if (!data?.slug) throw new Error('GitHub does not know this app');
  return `${data.slug}[bot]`;
}

/** Ids of the installations that aren't suspended. */
export async function installationIds(octokit: ProbotOctokit): Promise<number[]> {
  const found = await octokit.paginate(octokit.rest.apps.listInstallations, { per_page: 100 });
  return found.filter((installation) => !installation.suspended_at).map(({ id }) => id);
}

export type InstalledRepository = {
  id: number;
  owner: string;
  repo: string;
  default_branch: string;
  archived: boolean;
};

/** `octokit` speaks for one installation. */
export async function installedRepositories(octokit: ProbotOctokit): Promise<InstalledRepository[]> {
  const found = await octokit.paginate(octokit.rest.apps.listReposAccessibleToInstallation, {
    per_page: 100,
  });
  return found.map((repository) => ({
    id: repository.id,
    owner: repository.owner.login,
    repo: repository.name,
    default_branch: repository.default_branch,
    archived: repository.archived,
  }));
}

/** Whether that installation is the one that holds the repository. `octokit` speaks for the app itself. */
export async function isInstalled(
  octokit: ProbotOctokit,
  { owner, repo, installation }: { owner: string; repo: string; installation: number },
): Promise<boolean> {
  try {
    const { data } = await octokit.rest.apps.getRepoInstallation({ owner, repo });
    return data.id === installation;
  } catch (error) {
    if ((error as { status?: number }).status === 404) return false;
    throw error;
  }
}
