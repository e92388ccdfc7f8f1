import type { Repository } from './repository.ts';

/** A text that an app left outside the branch, and where. */
type CarriedText = { where: string; text: string };

/** Where heads of the audit log are anchored. What people wrote doesn't count: anybody can write what looks like one. */
export function anchors({ octokit, owner, repo }: Repository) {
  const at = { owner, repo, per_page: 100 };
  const isApp = (by: { type?: string } | null | undefined) => by?.type === 'Bot';
  return {
    /** What releases, deployments and comments of apps say. */
    async texts(): Promise<CarriedText[]> {
      const releases = await octokit.paginate(octokit.rest.repos.listReleases, at);
      const deployments = await octokit.paginate(octokit.rest.repos.listDeployments, at);
      const comments = await octokit.paginate(octokit.rest.issues.listCommentsForRepo, at);
      return [
        ...releases
          .filter(({ author, draft }) => isApp(author) && !draft)
          .map(({ tag_name, body }) => ({ where: `release ${tag_name}`, text: body ?? '' })),
        ...deployments
          .filter(({ creator }) => isApp(creator))
          .map(({ id, environment, payload }) => ({
            where: `deployment ${id} to ${environment}`,
            text: typeof payload === 'string' ? payload : JSON.stringify(payload),
          })),
        ...comments
          .filter(({ user }) => isApp(user))
          .map(({ html_url, body }) => ({ where: `comment ${html_url}`, text: body ?? '' })),
      ];
    },
  };
}
